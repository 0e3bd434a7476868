"""What becomes of `rung run --executor slurm` when something is killed; see slurm_test.py. A story is a function of a Stage.

The rule of every round: the run, or the one that is started after it, ends well; all results are right; no two executions of
one key ever overlap; each key has one record of success; nothing is left in the queue or on a node.
"""
import random
import signal
import time

from slurm_cluster import alive, until
from slurm_project import PATIENCE, Failed, Project, expect, job_of, slay_quietly
from slurm_stories import sweep, whole

COUNT = 10


def chain(project: Project, count: int = COUNT) -> str:
    """Two layers of short steps and one that joins them; what they write holds the salt, so that every round has its own."""
    project.locks(*(f"{layer}-{n}" for layer in ("make", "turn") for n in range(1, count + 1)), "join")
    make = project.witnessed("make-{n}", "sleep 0.6", "echo {salt} {n} > {out.text}")
    turn = project.witnessed("turn-{n}", "sleep 0.4", "tr 0-9 1-90 < {make.text} | cat {make.text} - > {out.text}")
    join = project.witnessed("join", "cat {turn.text}/*/text.txt | sort -n -k 2 | head -n 3 > {out.few}",
                             "cat {turn.text}/*/text.txt | sort > {out.all}")
    return f"""pipeline: chain
parameters: {{salt: "0"}}
axes: {{n: {{range: 1..{count}}}}}
defaults: {{watch: declared}}
steps:
  make:
    over: [n]
    run: |
        {make}
    outputs: {{text: text.txt}}
  turn:
    over: [n]
    run: |
        {turn}
    outputs: {{text: {{path: text.txt, publish: "results/{{n}}.txt"}}}}
  join:
    run: |
        {join}
    outputs: {{few: few.txt, all: {{path: all.txt, publish: results/all.txt}}}}
"""


def joined(salt: object, count: int = COUNT) -> str:
    turned = str.maketrans("0123456789", "1234567890")
    lines = [line for n in range(1, count + 1) for line in (f"{salt} {n}", f"{salt} {n}".translate(turned))]
    return "".join(f"{line}\n" for line in sorted(lines, key=lambda line: line.encode()))


class Torment:
    """One project, one pipeline, and in each round one thing that is killed at a random instant while it runs."""

    kinds = ["worker", "run", "slurmctld", "node", "slurmd", "cancelled", "daemons", "requeued",
             "run and worker", "run and node"]

    def __init__(self, stage, rounds: int, seed: int, name: str = "torment", **slurm: object):
        self.stage, self.rounds, self.random = stage, rounds, random.Random(seed)
        self.cluster = stage.cluster
        self.project = stage.project(name, workers=3, cpus=2, idle="2s", **slurm)
        self.project.write("pipelines/chain/pipeline.yaml", chain(self.project))
        self.hits = 0

    def begin(self, salt: int):
        return self.project.begin("--set", f"salt={salt}")

    def node(self) -> str:
        running = [job["node"] for job in self.project.fleet_jobs() if job["state"] == "RUNNING" and job["node"] in self.cluster.nodes]
        return self.random.choice(running or self.cluster.nodes)

    def strike(self, kind: str, run, salt: int):
        """Does it, and gives the run that now goes on."""
        pause = lambda: until(lambda: False, self.random.uniform(0, 2))
        if kind == "worker":
            workers = [worker for worker in self.project.workers() if alive(int(worker["pid"]))]
            if workers:
                self.hits += 1
                slay_quietly(int(self.random.choice(workers)["pid"]))
        elif kind.startswith("run"):
            self.hits += run.process.poll() is None
            run.signal(signal.SIGKILL)
            run.process.wait()
            pause()
            # What dies while nobody looks is found by the next run.
            if kind == "run and worker":
                for worker in self.project.workers()[:1]:
                    slay_quietly(int(worker["pid"]))
            elif kind == "run and node":
                node = self.node()
                self.cluster.kill_node(node)
                self.cluster.start(node)
            return self.begin(salt)
        elif kind == "slurmctld":
            self.hits += 1
            self.cluster.kill("slurmctld")
            pause()
            self.cluster.start("slurmctld")
        elif kind in ("node", "slurmd", "daemons"):
            node = self.node()
            self.hits += bool(self.cluster.stepds(node))
            {"node": self.cluster.kill_node, "slurmd": self.cluster.kill, "daemons": self.cluster.kill_daemons}[kind](node)
            # Sometimes the node is back before Slurm has noticed, sometimes it stays away.
            if kind == "slurmd" or self.random.random() < 0.5:
                pause()
                self.cluster.start(node)
        else:
            running = [job["id"] for job in self.project.fleet_jobs() if job["state"] == "RUNNING"]
            if running:
                self.hits += 1
                job = self.random.choice(running)
                self.cluster.call(*(["scancel", job] if kind == "cancelled" else ["scontrol", "requeue", job]), check=False)
        return run

    def round(self, number: int, kind: str, length: float):
        salt = 1000 + number
        since = len(self.project.witness.lines)
        run = self.begin(salt)
        instant = self.random.uniform(0.2, length)
        begun = time.monotonic()
        until(lambda: run.process.poll() is not None or time.monotonic() - begun > instant, instant + 1, 0.02)
        if kind not in ("run", "slurmctld"):
            # Before the first job runs there is nothing to hit.
            until(lambda: run.process.poll() is not None or any(job["state"] == "RUNNING" for job in self.project.fleet_jobs()), 10, 0.1)
        wasOver = run.process.poll() is not None
        run = self.strike(kind, run, salt)
        try:
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end and not until(lambda: run.process.poll() is not None, 3):
                self.cluster.resume()
            run.wait(1)
            expect(run.code == 0, "the run ends well", run.story)
            expect(run.counts["ran"] + run.counts["unchanged"] == 2 * COUNT + 1, "every step has a result", run.story)
            for node in self.cluster.nodes:
                self.cluster.start(node)
            self.cluster.resume()
            self.project.check_once()
            expect(self.project.read("pipelines/chain/results/all.txt") == joined(salt), "the result is right",
                   self.project.read("pipelines/chain/results/all.txt"))
            rest = self.begin(salt).wait(60)
            expect(rest.code == 0 and rest.counts["ran"] == 0, "then there is nothing to do", rest.story)
            self.project.check_gone(60)
        except Failed as failed:
            words_of = self.project.witness.lines[since:]
            raise Failed(f"round {number}, {kind} after {instant:.2f} s{' (the run was over)' if wasOver else ''}: {failed}; steps said "
                         f"{[line for _, line in words_of][-8:]}") from None
        return time.monotonic() - begun

    def play(self):
        begun = time.monotonic()
        run = self.begin(1000).wait()
        expect(run.code == 0 and run.counts.get("ran") == 2 * COUNT + 1, "undisturbed, all steps run", run.story)
        length = 0.8 * (time.monotonic() - begun)  # the last part is the end of the workers
        expect(self.project.read("pipelines/chain/results/all.txt") == joined(1000), "the result is right")
        self.project.check_gone()
        problems = []
        for number in range(1, self.rounds + 1):
            kind = self.kinds[(number - 1) % len(self.kinds)]
            try:
                took = self.round(number, kind, length)
                self.stage.say(f"  round {number}: {kind}, {took:.1f} s")
            except Failed as failed:
                problems.append(str(failed))
                self.stage.say(f"  {failed}")
                self.restore()
        expect(not problems, f"all of {self.rounds} rounds come to a good end", f"{len(problems)} do not; the first: "
               f"{problems[0] if problems else ''}")
        # An instant at which there is nothing to kill any more tells little; with most of them it would tell nothing.
        expect(3 * self.hits >= self.rounds, "a third of the instants or more hit something", f"{self.hits} of {self.rounds}")

    def restore(self):
        """After a round that went wrong, so that the next is not blamed for it."""
        self.cluster.up()
        self.cluster.clear()
        for node in self.cluster.nodes:
            for pid in self.cluster.inhabitants(node):
                slay_quietly(pid)
        self.project.witness.lines.clear()


def torment(stage):
    """A worker, a slurmd, a whole node, slurmctld, `rung run` itself killed, jobs cancelled and requeued, at random instants."""
    Torment(stage, stage.rounds, stage.seed).play()


def torment_exchange(stage):
    """The same, in half as many rounds, where objects go to workers and back through an exchange."""
    Torment(stage, max(2, stage.rounds // 2), stage.seed + 1, "torment-exchange", exchange=f"{stage.work}/exchange-torment").play()


def taken_up(stage):
    """`rung run` is killed and started again: it takes up the jobs that are there, and the steps that they are at."""
    project = stage.project("taken-up", workers=2, cpus=2, idle="20s")
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 4, "sleep 8"))
    run = project.begin()
    project.witness.wait("begin", count=4)
    before = sorted(job["id"] for job in project.fleet_jobs())
    run.signal(signal.SIGKILL)
    run.process.wait()
    again = project.begin()
    again.wait()
    expect(again.code == 0, "the second run ends well", again.story)
    begun = project.witness.said("begin")
    expect(len(begun) == 4, "no step was begun a second time", begun)
    after = {(job_of(record) or "").split("_")[0] for record in project.records("sweep/make")}
    known = {stage.cluster.job(number).get("ArrayJobId", number) for number in before} | set(before)
    expect(after <= known, "the jobs are those of the first run", (before, after))
    expect(project.read("pipelines/sweep/results/all.txt") == whole(4), "the result is right")
    project.check_once()
    project.check_gone()


def given_up(stage):
    """`rung run` is killed and nobody starts it again: its workers end by themselves, and what they have made is not lost."""
    project = stage.project("given-up", workers=2, cpus=2, idle="2s")
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 4, "sleep 2"))
    run = project.begin()
    project.witness.wait("begin", count=4)
    run.signal(signal.SIGKILL)
    run.process.wait()
    project.witness.wait("end", count=4)
    until(lambda: not project.fleet_jobs(), 180, 0.5)
    expect(not project.fleet_jobs(), "no job is left three minutes later", project.fleet_jobs())
    project.done()
    expect(project.read("pipelines/sweep/results/all.txt") == whole(4), "the result is right")
    begun = project.witness.said("begin")
    expect(len(begun) == 4, "what was finished is not made again", begun)
    project.check_once()
    project.check_gone()


def orphan(stage):
    """slurmd and slurmstepd die and the worker lives on: its steps are not executed beside it."""
    project = stage.project("orphan", workers=2, cpus=1, options="[--nodelist=n1]")
    project.write("pipelines/sweep/pipeline.yaml", sweep(project, 3, "sleep 12"))
    run = project.begin()
    project.witness.wait("begin", count=1)
    stage.cluster.kill_daemons("n1")
    until(lambda: False, 3)
    stage.cluster.start("n1")
    run.wait(400)
    expect(run.code == 0, "the run ends well", run.story)
    project.check_once()
    expect(project.read("pipelines/sweep/results/all.txt") == whole(3), "the result is right")
    project.check_gone(60)


def training(project: Project, rounds: int, seconds: float) -> str:
    """A step that counts with a checkpoint after each number, and says from where it begins."""
    project.locks("train")
    body = project.witnessed("train", "n=$(cat count.ckpt 2> /dev/null || echo 0)", f"echo from $n > {project.root}/events",
                             f"while [ $n -lt {rounds} ]; do", f"  sleep {seconds} & wait $!", "  n=$((n + 1))",
                             "  echo $n > count.new", "  mv count.new count.ckpt", f"  echo at $n > {project.root}/events", "done",
                             "cp count.ckpt {out.model}")
    return f"""pipeline: train
steps:
  fit:
    watch: declared
    keep: [count.ckpt]
    grace: 5 s
    run: |
        {body}
    outputs: {{model: {{path: model.txt, publish: model.txt}}}}
"""


def check_resumed(project: Project, run, rounds: int):
    expect(run.code == 0, "the run ends well", run.story)
    expect(project.read("pipelines/train/model.txt") == f"{rounds}\n", "the result is right", project.read("pipelines/train/model.txt"))
    starts = [int(text) for text in project.witness.said("from")]
    expect(len(starts) >= 2 and starts[0] == 0 and all(start > 0 for start in starts[1:]),
           "every attempt after the first goes on from the checkpoint", starts)
    steps = [int(text) for text in project.witness.said("at")]
    expect(len(steps) <= rounds + len(starts) - 1, "at most the step in hand is done again in an attempt", steps)
    record = project.records("train/fit")[0]
    expect(record["attempts"] == len(starts), "the record counts the attempts", (record["attempts"], starts))
    project.check_once()
    project.check_gone(60)


def preempted(stage):
    """A job of higher priority pushes the worker aside, by requeueing and by cancelling: the checkpoint is handed on."""
    for mode in ("REQUEUE", "CANCEL"):
        stage.cluster.call("scontrol", "update", "PartitionName=low", f"PreemptMode={mode}")
        project = stage.project(f"preempted-{mode.lower()}", partition="low", workers=1)
        project.write("pipelines/train/pipeline.yaml", training(project, 12, 0.5))
        run = project.begin()
        project.witness.wait("at", "3")
        nodes = str(len(stage.cluster.nodes))
        stage.cluster.submit("-p", "high", "-N", nodes, "--exclusive", "--mem=0", script="sleep 3")
        run.wait()
        try:
            check_resumed(project, run, 12)
        except Failed as failed:
            raise Failed(f"{mode}: {failed}") from None
    stage.cluster.call("scontrol", "update", "PartitionName=low", f"PreemptMode={stage.cluster.preempt}")


def time_limit(stage):
    """A step that needs longer than the time of its worker goes on in the next, from its checkpoint."""
    project = stage.project("time-limit", time="1m", workers=1)
    project.write("pipelines/train/pipeline.yaml", training(project, 18, 5))
    run = project.begin().wait(600)
    check_resumed(project, run, 18)


def checkpoint_survives(stage):
    """A node that dies in the middle of a step: another takes the step up from its checkpoint."""
    project = stage.project("checkpoint", workers=1)
    project.write("pipelines/train/pipeline.yaml", training(project, 12, 0.5))
    run = project.begin()
    project.witness.wait("at", "4")
    node = project.fleet_jobs()[0]["node"]
    stage.cluster.kill_node(node)
    run.wait()
    stage.cluster.start(node)
    check_resumed(project, run, 12)


def machine_limit(stage):
    """A step whose machine always fails is given up after a limit, and it is said why."""
    project = stage.project("machine-limit", workers=1)
    project.locks("doom")
    project.write("pipelines/doom/pipeline.yaml", f"""pipeline: doom
steps:
  doom:
    watch: declared
    run: |
        {project.witnessed("doom", "sleep 600", "echo > {out.text}")}
    outputs: {{text: text.txt}}
""")
    run = project.begin()
    ended = lambda: run.process.poll() is not None
    for attempt in range(1, 30):
        until(lambda: ended() or len(project.witness.said("begin")) >= attempt, 120)
        if ended():
            break
        expect(len(project.witness.said("begin")) >= attempt, f"attempt {attempt} begins", run.errors)
        for worker in project.workers():
            slay_quietly(int(worker["pid"]))
    run.wait(60)
    expect(run.code in (1, 3), "the run gives up", run.story)
    begun = len(project.witness.said("begin"))
    expect(2 <= begun <= 20, "after some attempts", begun)
    expect("doom/doom" in run.output, "the step is named", run.story)
    project.check_once()
    project.check_gone()


STORIES = [taken_up, given_up, checkpoint_survives, preempted, orphan, machine_limit, torment, torment_exchange,
           time_limit]
