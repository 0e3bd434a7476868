#!/usr/bin/env python3
"""Stories of `rung run --executor slurm` on a real Slurm that is made for them; started by `make slurm-test`, as root.

    scripts/slurm_test.py                      all stories with .build/debug/rung; torment in 6 rounds
    scripts/slurm_test.py --rounds 20          … in 20
    scripts/slurm_test.py --only cancel        one story; --only may be given several times
    scripts/slurm_test.py --repeat 9 --only …  for what happens now and then
    scripts/slurm_test.py --exchange           … with workers that do not open the cache itself
    scripts/slurm_test.py --list               what there is
    scripts/slurm_test.py --keep --seed 7      keeps all files; the instants of torment follow from the seed, which is printed

The daemons are Debian's (scripts/slurm_cluster.py), on loopback, and are stopped by their process ids. Each story has a
project, a cache and a home of its own (slurm_project.py). A line tells of each: its name, good or bad, how long it took; of
a bad one also what was expected, what was seen, and where the logs are. Exit status 1 when one is bad, 77 when there can be
no Slurm here. Needs nothing but Python's standard library.
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
import slurm_cluster
import slurm_faults
import slurm_places
import slurm_project
import slurm_stories

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STORIES = [*slurm_stories.STORIES, *slurm_places.STORIES, *slurm_faults.STORIES]


def name_of(story) -> str:
    return story.__name__.replace("_", "-")


class Stage:
    """What a story is told with: the cluster, and projects that are closed after it."""

    def __init__(self, work: str, rung: str, cluster: slurm_cluster.Cluster, rounds: int, seed: int, exchange: bool):
        self.exchange = exchange
        self.work, self.rung, self.cluster, self.rounds, self.seed = work, rung, cluster, rounds, seed
        self.projects: list[slurm_project.Project] = []

    def project(self, name: str, user: str | None = None, without_cluster: bool = False, settings: str = "", **slurm):
        folder, number = f"{self.work}/{name}", 1
        while os.path.exists(folder):
            number += 1
            folder = f"{self.work}/{name}-{number}"
        if self.exchange and not without_cluster:
            slurm.setdefault("exchange", f"{folder}/exchange")
        project = slurm_project.Project(folder, self.rung, None if without_cluster else self.cluster, user=user,
                                        settings=settings, **slurm)
        self.projects.append(project)
        return project

    def say(self, text: str):
        print(text, flush=True)

    def end(self, keep: bool):
        """After a story: whatever it has left is stopped, so that the next finds a quiet cluster."""
        self.cluster.up()
        self.cluster.clear()
        for node in self.cluster.nodes:
            for pid in self.cluster.inhabitants(node):
                slurm_project.slay_quietly(pid)
        for project in self.projects:
            for run in project.runs:
                if run.process.poll() is None:
                    run.process.kill()
                    run.process.wait()
            project.close()
            if not keep:
                shutil.rmtree(project.folder, ignore_errors=True)
        self.projects = []


def tell(stage: Stage, story, keep: bool) -> bool:
    begin = time.monotonic()
    good, words = True, ""
    try:
        story(stage)
    except slurm_stories.Skipped as reason:
        words = f", skipped: {reason}"
    except slurm_project.Failed as failed:
        good, words = False, f"\n    {failed}"
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        good, words = False, f"\n    the story itself broke: {type(error).__name__}: {error}; {place.filename}:{place.lineno}"
    if not good:
        words += f"\n    files: {', '.join(project.folder for project in stage.projects)}; the cluster's: {stage.cluster.path('log')}"
    stage.say(f"{name_of(story):20} {'good' if good else 'BAD'} {time.monotonic() - begin:7.1f} s{words}")
    stage.end(keep or not good)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rung", default=os.environ.get("RUNG_BINARY", f"{HERE}/.build/debug/rung"), help="the program to try")
    parser.add_argument("--only", action="append", choices=[name_of(story) for story in STORIES], metavar="STORY")
    parser.add_argument("--list", action="store_true", help="the stories")
    parser.add_argument("--keep", action="store_true", help="the files of good stories, too")
    parser.add_argument("--seed", type=int, default=None, help="of the instants at which things are killed")
    parser.add_argument("--rounds", type=int, default=6, help="of torment")
    parser.add_argument("--repeat", type=int, default=1, help="all that is asked for, so many times: for what happens now and then")
    parser.add_argument("--exchange", action="store_true", help="every worker with a store of its own, as on a network file system")
    parser.add_argument("--nodes", type=int, default=2)
    said = parser.parse_args()
    # Whoever ends this leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if said.list:
        for story in STORIES:
            print(f"{name_of(story):20} {story.__doc__.splitlines()[0]}")
        return
    reason = slurm_cluster.missing()
    if reason:
        print(f"slurm-test: skipped: {reason}", file=sys.stderr)
        sys.exit(77)
    if not os.access(said.rung, os.X_OK):
        sys.exit(f"slurm-test: there is no {said.rung}; swift build --product rung")
    seed = said.seed if said.seed is not None else random.randrange(1, 1_000_000)
    work = tempfile.mkdtemp(prefix="rung-slurm-", dir="/tmp")
    os.chmod(work, 0o755)
    # A copy, so that a build meanwhile changes nothing, and where every user can start it.
    os.makedirs(f"{work}/bin")
    for name in ("rung", "rung-step", "rung-transfer"):
        path = os.path.join(os.path.dirname(os.path.realpath(said.rung)), name)
        if os.path.exists(path):
            shutil.copy(path, f"{work}/bin/{name}")
    version = subprocess.run([f"{work}/bin/rung", "--version"], capture_output=True, text=True)
    if version.returncode != 0:
        sys.exit(f"slurm-test: {said.rung} does not start ({version.returncode}): {version.stderr.strip()}")
    cluster = slurm_cluster.Cluster(f"{work}/cluster", nodes=said.nodes, cpus=8, memory=16_000, gpus=2)
    stage = Stage(work, f"{work}/bin/rung", cluster, said.rounds, seed, said.exchange)
    stories = [story for story in STORIES if not said.only or name_of(story) in said.only] * said.repeat
    bad: list[str] = []
    try:
        with cluster:
            stage.say(f"{len(stories)} stories with {said.rung}; seed {seed}; files in {work}")
            for story in stories:
                if not tell(stage, story, said.keep):
                    bad.append(name_of(story))
    except slurm_cluster.ClusterError as error:
        sys.exit(f"slurm-test: {error}")
    except KeyboardInterrupt:
        sys.exit("slurm-test: interrupted")
    finally:
        if not bad and not said.keep:
            shutil.rmtree(work, ignore_errors=True)
    if bad:
        sys.exit(f"slurm-test: {len(bad)} of {len(stories)} are bad: {', '.join(bad)}; --seed {seed} --only {bad[0]} tries again")
    print(f"slurm-test: all {len(stories)} are good")


if __name__ == "__main__":
    main()
