"""Where `rung run --executor slurm` executes steps: allocations that fit, GPUs, how many workers; see slurm_test.py."""
import os
import re

from slurm_cluster import until
from slurm_project import expect, job_of
from slurm_stories import Skipped, sweep, whole


def gpus(stage):
    """The ids of GPUs come from Slurm: two steps at once have different ones, in one worker and in two on one node."""
    if not stage.cluster.gpus:
        raise Skipped("the cluster has no GPUs")
    for name, slurm in (("one", {"workers": 1, "gpus": 2, "cpus": 4}),
                        ("two", {"workers": 2, "gpus": 1, "cpus": 2, "options": "[--nodelist=n1]"})):
        project = stage.project(f"gpus-{name}", **slurm)
        project.locks("gpu-0", "gpu-1", "gpu-", "gpu-none", "gpu-0,1")
        # The lock is that of the device: who gets one that another has says so.
        project.write("pipelines/sweep/pipeline.yaml", f"""pipeline: sweep
axes: {{n: {{range: 1..8}}}}
steps:
  make:
    over: [n]
    watch: declared
    resources: {{gpus: 1}}
    run: |
        {project.witnessed("gpu-${CUDA_VISIBLE_DEVICES-none}", "sleep 0.5", "echo {n} $CUDA_VISIBLE_DEVICES > {out.text}")}
    outputs: {{text: text.txt}}
  none:
    watch: declared
    run: echo "${{CUDA_VISIBLE_DEVICES-unset}}" > {{out.text}}
    outputs: {{text: {{path: text.txt, publish: none.txt}}}}
""")
        project.done(ran=9)
        seen = set(project.witness.said("begin"))
        expect(seen == {"gpu-0", "gpu-1"}, f"{name}: both devices are used, each alone", seen)
        expect(not project.witness.said("overlap"), f"{name}: no device has two steps", project.witness.said("overlap"))
        expect(project.witness.most() == 2, f"{name}: two steps run at a time", project.witness.most())
        none = project.read("pipelines/sweep/none.txt")
        expect(none in ("\n", "unset\n"), f"{name}: a step without GPUs sees none", none)
        project.check_gone()


def where(stage):
    """`executor: local` of a step keeps it here."""
    project = stage.project("where")
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 2, options="""  here:
    executor: local
    watch: declared
    run: echo here > {out.text}
    outputs: {text: text.txt}
"""))
    project.done(ran=4)
    expect(job_of(project.records("sweep/here")[0]) is None, "its record names no job", project.records("sweep/here")[0].get("place"))
    expect(job_of(project.records("sweep/make")[0]), "those of the others do")
    # And the other way round: a run here, with one step that goes there.
    other = stage.project("where-there")
    other.write("pipelines/one/pipeline.yaml", """pipeline: one
steps:
  there: {executor: slurm, watch: declared, run: "echo there > {out.text}", outputs: {text: text.txt}}
  here: {watch: declared, run: "cat {there.text} > {out.text}", outputs: {text: text.txt}}
""")
    run = other.start("run", "--json").wait()
    expect(run.code == 0 and run.counts.get("ran") == 2, "both run", run.story)
    jobs = [job_of(other.records(f"one/{name}")[0]) for name in ("there", "here")]
    expect(jobs[0] and jobs[1] is None, "each where it was told to", jobs)
    project.check_gone()
    other.check_gone()


def separate(stage):
    """A step whose time-out is longer than `separate` gets a job that takes no other step."""
    project = stage.project("separate", separate="2m", workers=3)
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 8, "sleep 0.2", options="""  long:
    timeout: 3m
    watch: declared
    run: sleep 1; echo long > {out.text}
    outputs: {text: text.txt}
"""))
    project.done(ran=10)
    long = job_of(project.records("sweep/long")[0])
    others = {job_of(record) for record in project.records("sweep/make")}
    expect(long not in others | {None}, "the long step has a job of its own", (long, others))
    told = stage.cluster.job(long)
    limit = told.get("TimeLimit", "")
    expect(limit >= "00:03:00", "its time limit covers the step's time-out", limit)
    project.check_gone()


def wide(stage):
    """A step that asks for more than the usual worker gets an allocation that fits."""
    project = stage.project("wide", cpus=2)
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 3, options="""  wide:
    watch: declared
    resources: {cpus: 6, memory: 2 GB}
    run: echo wide > {out.text}
    outputs: {text: text.txt}
"""))
    project.done(ran=5)
    told = stage.cluster.job(job_of(project.records("sweep/wide")[0]))
    expect(int(told.get("NumCPUs", "0")) >= 6, "its job has the processors", told.get("NumCPUs"))
    memory = re.search(r"mem=(\d+)(M|G)", told.get("TRES", ""))
    expect(memory and int(memory[1]) * (1024 if memory[2] == "G" else 1) >= 1900, "and the memory", told.get("TRES"))
    project.check_once()
    project.check_gone()


def shrinking(stage):
    """The number of workers follows the queue: many for many steps, one for one, many again."""
    project = stage.project("shrinking", workers=3, cpus=2, idle="2s")
    project.locks("alone", *(f"{layer}-{n}" for layer in ("a", "b") for n in range(1, 7)))
    project.write("pipelines/waist/pipeline.yaml", f"""pipeline: waist
axes: {{n: {{range: 1..6}}}}
defaults: {{watch: declared}}
steps:
  first:
    over: [n]
    run: |
        {project.witnessed("a-{n}", "sleep 2", "echo {n} > {out.text}")}
    outputs: {{text: text.txt}}
  alone:
    run: |
        {project.witnessed("alone", "sleep 14", "cat {first.text}/*/text.txt > {out.text}")}
    outputs: {{text: text.txt}}
  second:
    over: [n]
    run: |
        {project.witnessed("b-{n}", "sleep 2", "head -n {n} {alone.text} > {out.text}")}
    outputs: {{text: text.txt}}
""")
    run = project.begin()
    running = lambda: len([job for job in project.fleet_jobs() if job["state"] == "RUNNING"])
    most = [0, 0, 0]
    least = 9
    while run.process.poll() is None:
        phase = 2 if any(key.startswith("b-") for key in project.witness.said("begin")) else \
            1 if "alone" in project.witness.said("begin") else 0
        count = running()
        most[phase] = max(most[phase], count)
        if phase == 1:
            least = min(least, count)
        until(lambda: run.process.poll() is not None, 0.4, 0.1)
    run.wait()
    expect(run.code == 0 and run.counts.get("ran") == 13, "the run ends well", run.story)
    expect(most[0] >= 2, "many steps have several workers", most)
    expect(least == 1, "a single step has one in the end", least)
    expect(most[2] >= 2, "and then there are several again", most)
    project.check_once()
    project.check_gone()


def array(stage):
    """Workers that are all alike are asked for with an array, in one call."""
    project = stage.project("array", workers=4, cpus=1)
    project.spy("sbatch")
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 40, "sleep 0.4"))
    project.done(ran=41)
    calls = project.calls("sbatch")
    expect(any("--array" in call or re.search(r" -a\b", call) for call in calls), "a call of sbatch has --array", calls)
    jobs = {job_of(record) for record in project.records("sweep/make")}
    expect(len(jobs) >= 3, "several workers of the array took steps", jobs)
    project.check_once()
    project.check_gone()


def exchange(stage):
    """Where workers cannot use the cache itself, objects go to them and back through an exchange: the results are the same."""
    project = stage.project("exchange", workers=2, exchange=f"{stage.work}/exchange")
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 6, options="""  turn:
    over: [n]
    watch: declared
    run: mkdir {out.folder} && cp {make.text} {out.folder}/a && seq {n} 20000 > {out.folder}/b
    outputs: {folder: folder/}
  last:
    run: cat {turn.folder}/*/folder/* | tail -n 1 > {out.last}
    outputs: {last: {path: last.txt, publish: results/last.txt}}
"""))
    run = project.done(ran=14)
    expect(project.read("pipelines/sweep/results/all.txt") == whole(6), "the result is right")
    expect(project.read("pipelines/sweep/results/last.txt") == "20000\n", "that of the folders, too",
           project.read("pipelines/sweep/results/last.txt"))
    sound = project.start("cache", "check").wait(60)
    expect(sound.code == 0, "the cache is sound", sound.story)
    again = project.done(ran=0)
    expect(again.counts["unchanged"] == 14, "then there is nothing to do", run.story)
    project.check_once()
    project.check_gone()


def refused(stage):
    """What the cluster cannot give is said at once, or soon; nothing waits for ever."""
    project = stage.project("refused", partition="nowhere")
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 3))
    run = project.run(seconds=120)
    expect(run.code not in (0, 130), "a partition that does not exist ends the run", run.story)
    expect("partition" in (run.output + run.errors).lower(), "and is named", run.story)
    expect(not project.witness.lines, "nothing has run", project.witness.lines)
    project.check_gone()
    large = stage.project("too-large")
    large.write("pipelines/sweep/pipeline.yaml", """pipeline: sweep
steps:
  make: {run: "echo > {out.text}", outputs: {text: text.txt}, resources: {cpus: 500}}
""")
    run = large.run(seconds=120)
    expect(run.code not in (0, 130), "a step that no node can hold ends the run", run.story)
    expect("sweep/make" in run.output + run.errors, "and is named", run.story)
    large.check_gone()
    absent = stage.project("absent")
    absent.write("pipelines/sweep/pipeline.yaml", sweep(absent, 3))
    empty = f"{absent.folder}/empty"
    os.makedirs(empty)
    run = absent.begin(variables={"PATH": empty}).wait(60)
    expect(run.code in (2, 3) and re.search("sbatch|[Ss]lurm", run.errors + run.output),
           "without Slurm's programs it says so", run.story)


def memory(stage):
    """A step that takes the memory of its worker takes neither the run down nor its neighbours, and it is said why."""
    project = stage.project("memory", workers=1, cpus=2, memory="500MB")
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 6, "sleep 0.5", options=f"""  greedy:
    watch: declared
    run: /usr/bin/python3 -c 'x = bytearray(1_500_000_000); import time; time.sleep(30)' && echo > {{out.text}}
    outputs: {{text: text.txt}}
"""))
    run = project.run("--keep-going", seconds=180)
    expect(run.code in (1, 3), "the run ends with 1 or 3", run.story)
    failed = run.named("step-failed")
    expect([event["instance"] for event in failed] == ["sweep/greedy"], "the greedy step alone fails", run.story)
    expect("memory" in failed[0]["problem"], "the reason is told", failed[0])
    expect(project.read("pipelines/sweep/results/all.txt") == whole(6), "all others come to their end",
           project.read("pipelines/sweep/results/all.txt"))
    project.check_once()
    project.check_gone()


STORIES = [gpus, where, wide, separate, array, shrinking, exchange, refused, memory]
