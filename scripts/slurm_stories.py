"""What `rung run --executor slurm` does on a quiet cluster; see slurm_test.py. A story is a function of a Stage."""
import hashlib
import json
import os
import re
import shutil
import signal

import slurm_cluster
from slurm_cluster import until
from slurm_project import Project, expect, job_of
from slurm_project import words as words_of

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Skipped(Exception):
    """Why a story cannot be told here."""


def sweep(project: Project, count: int, *body: str, options: str = "", name: str = "sweep") -> str:
    """A pipeline of steps that are all alike, and what it gives in one file."""
    project.locks(*range(1, count + 1))
    return f"""pipeline: {name}
parameters: {{salt: "0"}}
axes: {{n: {{range: 1..{count}}}}}
steps:
  make:
    over: [n]
    watch: declared
    run: |
        {project.witnessed("{n}", *body, "echo {salt} {n} > {out.text}")}
    outputs: {{text: text.txt}}
{options}
  all:
    watch: declared
    run: cat {{make.text}}/*/text.txt | sort -n -k 2 > {{out.all}}
    outputs: {{all: {{path: all.txt, publish: results/all.txt}}}}
"""


def whole(count: int, salt: object = 0) -> str:
    return "".join(f"{salt} {n}\n" for n in range(1, count + 1))


def witness(stage):
    """The check itself: two runs that know nothing of each other execute the same keys at once, and that is seen."""
    project = stage.project("witness", without_cluster=True)
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 2, "sleep 1"))
    runs = [project.begin("--jobs", "2", variables={"RUNG_CACHE": f"{project.folder}/cache-{number}"}) for number in (1, 2)]
    for run in runs:
        run.wait()
        expect(run.code == 0, "both end well", run.story)
    expect(sorted(project.witness.said("overlap")) == ["1", "2"], "both keys are seen to overlap", project.witness.lines)


def dry_run(stage):
    """--dry-run says what would be submitted and submits nothing."""
    project = stage.project("dry-run", workers=2, partition="main")
    project.spy("sbatch")
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 6))
    answer = project.start("run", "--executor", "slurm", "--dry-run").wait(60)
    expect(answer.code == 0, "it ends well", answer.story)
    expect(re.search(r"sbatch|rung-worker", answer.output), "what would be submitted is printed", answer.output)
    expect("main" in answer.output, "the partition is named", answer.output)
    expect(not project.calls("sbatch"), "sbatch is not called", project.calls("sbatch"))
    expect(not project.fleet_jobs() and not project.witness.lines, "nothing runs", project.witness.lines)


def small(stage):
    """A pipeline runs on the nodes, its records say where, and then there is nothing to do."""
    project = stage.project("small")
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 6))
    project.done(ran=7)
    expect(project.read("pipelines/sweep/results/all.txt") == whole(6), "the result is right",
           project.read("pipelines/sweep/results/all.txt"))
    records = project.records("sweep/make")
    for record in records:
        expect(re.fullmatch(r"\d+(_\d+)?", job_of(record) or ""), "the record names its job", record.get("place"))
        expect(record["place"].get("node") in stage.cluster.nodes, "the record names its node", record["place"])
        expect(record.get("host"), "the record names the machine", record.get("host"))
    again = project.done(ran=0)
    expect(again.counts["unchanged"] == 7, "a second run has nothing to do", again.story)
    project.check_once()
    project.check_gone()
    local = project.start("run", "--executor", "local", "--json").wait(60)
    expect(local.code == 0 and local.counts.get("unchanged") == 7, "a local run takes the same results", local.story)


def traced(stage):
    """A step on a node is watched as closely as one here, can be heard as one here, and is run again for the same reasons."""
    project = stage.project("traced")
    project.write("notes.txt", "first\n")
    project.write("pipelines/read/pipeline.yaml", """pipeline: read
steps:
  make:
    run: |
      echo it is heard
      cat notes.txt > {out.text}
    outputs: {text: {path: text.txt, publish: text.txt}}
""")
    project.done(ran=1)
    record = project.records("read/make")[0]
    expect((record["watch"], record["trace"], record["view"]) == ("traced", "complete", "private"), "it is traced",
           (record["watch"], record["trace"], record["trace_problems"], record["view"]))
    expect(job_of(record), "on a node", record.get("place"))
    log = project.ask("log", "read/make")
    expect("it is heard" in json.dumps(log), "what it printed is kept", log)
    project.done(ran=0)
    project.write("notes.txt", "second\n")
    why = project.ask("why", "read/make")
    expect(why["standing"] == "would-run" and "notes.txt" in json.dumps(why["reasons"]), "what it read without saying so is known", why)
    project.done(ran=1)
    expect(project.read("pipelines/read/text.txt") == "second\n", "the result is right", project.read("pipelines/read/text.txt"))
    project.check_gone()


def secret(stage):
    """A step's secret reaches it, and nothing else: no argument, no variable of a job, no file that stays."""
    word = "sesame-opens-4711"
    project = stage.project("secret")
    project.spy("sbatch")
    project.locks("told")
    project.write("pipelines/tell/pipeline.yaml", f"""pipeline: tell
steps:
  make:
    watch: declared
    secrets: [TOKEN]
    run: |
        {project.witnessed("told", 'printf %s "$TOKEN" | sha256sum > {out.text}', "sleep 2")}
    outputs: {{text: {{path: text.txt, publish: text.txt}}}}
""")
    run = project.begin(variables={"TOKEN": word})
    project.witness.wait("begin")
    jobs = project.fleet_jobs()
    told = json.dumps([stage.cluster.job(job["id"]) for job in jobs]) + json.dumps(jobs)
    environments = [slurm_cluster.environment_of(pid) for name in stage.cluster.nodes for pid in stage.cluster.stepds(name)
                    + [pid for pid in stage.cluster.inhabitants(name) if "worker" in words_of(pid)]]
    run.wait()
    expect(run.code == 0, "the run ends well", run.story)
    digest = hashlib.sha256(word.encode()).hexdigest()
    expect((project.read("pipelines/tell/text.txt") or "").startswith(digest), "the step has had it",
           project.read("pipelines/tell/text.txt"))
    expect(any("SLURM_JOB_ID" in each for each in environments), "a worker is there to be looked at", environments)
    expect(word not in json.dumps(environments), "it is in no variable of a worker")
    expect(word not in told, "it is not in what Slurm tells of the job")
    expect(word not in "".join(project.calls("sbatch")), "it is in no argument", project.calls("sbatch"))
    project.check_gone()
    found = []
    for folder, _, names in os.walk(project.folder):
        for name in names:
            path = f"{folder}/{name}"
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    if word.encode() in file.read():
                        found.append(path)
    expect(not found, "it is in no file that stays", found)


def same_keys(stage):
    """What a local run has made stands for a run with Slurm: the keys are the same."""
    project = stage.project("same-keys")
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 6))
    first = project.start("run", "--executor", "local", "--json", "sweep/make[n=2]", "sweep/make[n=3]").wait(60)
    expect(first.code == 0 and first.counts.get("ran") == 2, "a local run makes two", first.story)
    run = project.done(ran=5)
    expect(run.counts["unchanged"] == 2, "the two are taken from the cache", run.story)
    project.check_once()
    project.check_gone()


def five_hundred(stage):
    """500 steps over four workers: few jobs, few calls, right results, each step once."""
    project = stage.project("five-hundred", workers=4, cpus=2)
    project.spy("sbatch", "squeue", "scontrol", "sacct", "scancel", "sinfo", "srun")
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 499))
    run = project.begin()
    most = 0
    while run.process.poll() is None:
        most = max(most, len([job for job in project.fleet_jobs() if job["state"] == "RUNNING"]))
        until(lambda: run.process.poll() is not None, 1.0, 0.1)
    run.wait()
    expect(run.code == 0 and run.counts.get("ran") == 500, "500 steps ran", run.story)
    expect(project.read("pipelines/sweep/results/all.txt") == whole(499), "the result is right")
    expect(most <= 4, "there are at most four workers at once", most)
    jobs = {job_of(record) for record in project.records("sweep/make")}
    expect(2 <= len(jobs) <= 12, "several workers share the steps, and no step has a job of its own", jobs)
    begun = project.witness.said("begin")
    expect(len(begun) == len(set(begun)) == 499, "each step is begun once", len(begun))
    seconds = run.counts["duration_ns"] / 1e9
    calls = {program: len(project.calls(program)) for program in ("sbatch", "squeue", "scontrol", "sacct", "scancel", "sinfo", "srun")}
    expect(calls["sbatch"] <= 12, "few calls of sbatch", calls)
    asked = calls["squeue"] + calls["scontrol"] + calls["sacct"] + calls["sinfo"]
    expect(asked <= 8 + seconds, f"at most about one query a second in {seconds:.0f} s", calls)
    project.check_once()
    project.check_gone()


def own_failure(stage):
    """A step that fails keeps its own exit code or signal, and is no fault of the machine: it is not tried elsewhere."""
    project = stage.project("own-failure")
    project.locks("code", "signal", "again", "good")
    step = "  {0}:\n    watch: declared\n    run: |\n        {1}\n    outputs: {{text: text.txt}}\n{2}"
    project.write("pipelines/sweep/pipeline.yaml", "pipeline: sweep\nsteps:\n"
                  + step.format("code", project.witnessed("code", "echo is heard >&2", "exit 7"), "")
                  + step.format("signal", project.witnessed("signal", "kill -KILL $$"), "")
                  + step.format("again", project.witnessed("again", "exit 3"), "    retries: 2\n")
                  + step.format("good", project.witnessed("good", "echo good > {out.text}"), ""))
    run = project.run("--keep-going")
    expect(run.code == 1 and run.counts.get("failed") == 3 and run.counts.get("ran") == 1, "three fail, one succeeds", run.story)
    failed = {event["instance"].rpartition("/")[2]: event for event in run.named("step-failed")}
    expect(failed["code"]["exit"] == 7, "the exit code is the step's own", failed["code"])
    expect("is heard" in json.dumps(failed["code"]["tail"]), "what it printed is told", failed["code"])
    expect(failed["signal"]["signal"] in (9, "SIGKILL"), "the signal is the step's own", failed["signal"])
    begun = project.witness.said("begin")
    expect([begun.count(name) for name in ("code", "signal", "again", "good")] == [1, 1, 3, 1],
           "nothing but `retries` tries a step again", begun)
    project.check_once()
    project.check_gone()


def unprivileged(stage):
    """A user who is not root."""
    user = "nobody"
    project = stage.project("unprivileged", user=user)
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 8, "sleep 0.3", "id -un > who", options="""  who:
    watch: declared
    run: id -u > {out.text}
    outputs: {text: {path: who.txt, publish: who.txt}}
"""))
    run = project.begin()
    owners: set[str] = set()
    while run.process.poll() is None:
        owners |= {job["user"] for job in project.fleet_jobs()}
        until(lambda: run.process.poll() is not None, 0.3)
    run.wait()
    expect(run.code == 0 and run.counts.get("ran") == 10, "the run ends well", run.story)
    expect(owners == {user}, "the jobs are the user's", owners)
    status = os.stat(f"{project.root}/pipelines/sweep/results/all.txt")
    expect(status.st_uid != 0, "what is published is the user's", status.st_uid)
    project.check_once()
    project.check_gone()


def cancel(stage):
    """SIGINT cancels what the run started, and only that: other jobs of the user and another run go on."""
    stage.cluster.clear()
    unrelated = stage.cluster.submit("-J", "unrelated", "--mem=20", script="sleep 300")
    likewise = stage.cluster.submit("-J", "rung-worker", "--comment=rung somebody-elses", "--mem=20", script="sleep 300")
    other = stage.project("cancel-other", workers=1, cpus=1)
    other.write("pipelines/sweep/pipeline.yaml", sweep(other, 3, "sleep 5"))
    project = stage.project("cancel", workers=2)
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 8, "sleep 60"))
    neighbour = other.begin()
    run = project.begin()
    project.witness.wait("begin", count=2)
    other.witness.wait("begin")
    own = {job["id"] for job in project.fleet_jobs()} - {likewise}
    run.signal(signal.SIGINT)
    run.wait(60)
    expect(run.code == 130, "the run ends with 130", run.story)
    neighbour.wait()
    expect(neighbour.code == 0 and neighbour.counts.get("ran") == 4, "the other run is not disturbed", neighbour.story)
    expect(len(other.witness.said("begin")) == 3, "and none of its steps was begun twice", other.witness.said("begin"))
    until(lambda: not {job["id"] for job in project.fleet_jobs()} - {likewise}, 30, 0.3)
    left = [job["id"] for job in stage.cluster.left()]
    expect(sorted(left) == sorted([unrelated, likewise]), f"of {sorted(own)} none is left, and the others are",
           stage.cluster.left())
    stage.cluster.clear()
    # And nothing is lost by it.
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 8))
    project.done(ran=9)
    project.check_once()
    project.check_gone()


def together(stage):
    """A run here and a run with Slurm want the same steps at the same time: each is executed once, and both have all results."""
    project = stage.project("together", workers=2)
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 12, "sleep 0.4"))
    there = project.begin()
    here = project.start("run", "--executor", "local", "--json", "--jobs", "2")
    for run in (here, there):
        run.wait()
        expect(run.code == 0, "both end well", run.story)
    begun = project.witness.said("begin")
    expect(len(begun) == len(set(begun)) == 12, "each step is begun once", begun)
    expect(project.read("pipelines/sweep/results/all.txt") == whole(12), "the result is right")
    project.check_once()
    project.check_gone()


def waiting(stage):
    """SIGINT while all jobs still wait in the queue takes them out of it."""
    stage.cluster.clear()
    blocker = stage.cluster.submit("-N", str(len(stage.cluster.nodes)), "--exclusive", "--mem=0", script="sleep 300")
    until(lambda: stage.cluster.job(blocker)["JobState"] == "RUNNING", 20)
    project = stage.project("waiting")
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 4))
    run = project.begin()
    until(project.fleet_jobs, 30, 0.2)
    expect(project.fleet_jobs(), "jobs wait in the queue", run.story if run.process.poll() is not None else "none")
    run.signal(signal.SIGINT)
    run.wait(60)
    expect(run.code == 130, "the run ends with 130", run.story)
    until(lambda: not project.fleet_jobs(), 20, 0.3)
    expect([job["id"] for job in stage.cluster.left()] == [blocker], "the blocker alone is left", stage.cluster.left())
    stage.cluster.clear()
    project.done(ran=5)
    project.check_once()
    project.check_gone()


GALLERY = {
    "double-descent": ["--over", "width=30,300", "--over", "flat_width=20", "--over", "double-descent/seed=0,1",
                       "double-descent/measure", "double-descent/theory", "double-descent/flat_measure"],
    # The gallery's bisection: a loop that halves until it is precise enough.
    "standard-parameterization": ["--over", "standard-parameterization/width=32", "--over", "standard-parameterization/seed=0",
                                  "--set", "standard-parameterization/networks=1", "standard-parameterization/threshold"],
}


def same_bytes(stage):
    """double-descent and the gallery's bisection, cut down: the same bytes as locally, for every output of every step."""
    if os.environ.get("RUNG_TEST_ENVIRONMENT", "1") == "0":
        raise Skipped("RUNG_TEST_ENVIRONMENT=0 leaves out what asks for Python's packages")
    found = []
    local = stage.project("same-bytes-local", without_cluster=True)
    there = stage.project("same-bytes", workers=2, cpus=2, memory="3GB")
    for project in (local, there):
        for name in ("double-descent", "standard-parameterization", "library"):
            shutil.copytree(f"{HERE}/pipelines/{name}", f"{project.root}/pipelines/{name}", dirs_exist_ok=True)
        for name in ("requirements.lock", "requirements.in"):
            shutil.copy(f"{HERE}/pipelines/{name}", f"{project.root}/pipelines/{name}")
        outputs: dict[tuple[str, str], str] = {}
        for words in GALLERY.values():
            run = project.begin(*words).wait(600)
            expect(run.code == 0, "the run ends well", run.story)
            for instance in {event["instance"] for event in run.named("step-finished")}:
                for output in project.records(instance)[0]["outputs"]:
                    outputs[(instance, output["name"])] = output["digest"]
        found.append(outputs)
    expect(len(found[0]) > 15, "there is something to compare", len(found[0]))
    differing = [key for key in found[0] if found[0][key] != found[1].get(key)]
    expect(not differing and found[0].keys() == found[1].keys(), f"{len(found[0])} outputs have the same bytes", differing)
    there.check_once()
    there.check_gone()


STORIES = [witness, dry_run, small, traced, same_keys, secret, own_failure, unprivileged, cancel, waiting, together, five_hundred,
           same_bytes]
