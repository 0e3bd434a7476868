"""Projects for the stories of `rung run --executor slurm`, and a witness of what their steps do; see slurm_test.py.

A step cannot write outside its workspace. But it sees the project read-only, and two things there are enough for it to tell
what happens, in an order that no clock has a part in: a named pipe `events`, and a file `locks/KEY` which a step locks for as
long as any process of it lives. So two executions of one key that overlap are seen, also where one of them is an orphan.
"""
import contextlib
import json
import os
import pwd
import select
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

from slurm_cluster import Cluster, until

PATH = "/usr/bin:/bin"
# Stories last longer where others use the machine, too: this is no measurement, but the end of patience.
PATIENCE = 240.0


class Failed(Exception):
    """What was expected and what was seen."""


def expect(condition, expected: str, seen: object = ""):
    if not condition:
        raise Failed(f"expected: {expected}" + (f"; seen: {seen}" if seen != "" else ""))


class Witness:
    """Reads what steps say through a named pipe, for as long as it is open."""

    def __init__(self, path: str):
        os.mkfifo(path, 0o622)
        os.chmod(path, 0o622)
        # For reading and writing, so that it has no end when no step has it open.
        self.file = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.lines: list[tuple[float, str]] = []  # when it was read, and the line
        self.isOpen = True
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        rest = b""
        while self.isOpen:
            if select.select([self.file], [], [], 0.2)[0]:
                with contextlib.suppress(BlockingIOError):
                    rest += os.read(self.file, 65536)
                *whole, rest = rest.split(b"\n")
                with self.changed:
                    self.lines += [(time.monotonic(), line.decode(errors="replace")) for line in whole]
                    self.changed.notify_all()

    def close(self):
        self.isOpen = False
        self.thread.join()
        os.close(self.file)

    def said(self, word: str, since: int = 0) -> list[str]:
        """What follows this word, in the lines that begin with it."""
        with self.changed:
            return [line.partition(" ")[2] for _, line in self.lines[since:] if line.partition(" ")[0] == word]

    def wait(self, word: str, rest: str | None = None, count: int = 1, since: int = 0, seconds: float = PATIENCE):
        """Waits until steps have said it so often."""
        def enough() -> bool:
            return sum(1 for _, line in self.lines[since:]
                       if line.partition(" ")[0] == word and rest in (None, line.partition(" ")[2])) >= count

        with self.changed:
            if not self.changed.wait_for(enough, seconds):
                raise Failed(f"expected: {count} × '{word} {rest or '…'}' of steps within {seconds:.0f} s; seen: "
                             f"{[line for _, line in self.lines[since:]][-20:]}")

    def most(self, since: int = 0) -> int:
        """How many steps were between their begin and end at once. Only where none was killed."""
        now = most = 0
        with self.changed:
            for _, line in self.lines[since:]:
                now += {"begin": 1, "end": -1}.get(line.partition(" ")[0], 0)
                most = max(most, now)
        return most


class Run:
    """A `rung` that has been started, its two streams in files beside the project."""

    def __init__(self, process: subprocess.Popen, stem: str, words: tuple[str, ...]):
        self.process, self.stem, self.words = process, stem, words

    @property
    def output(self) -> str:
        with open(f"{self.stem}.out", errors="replace") as file:
            return file.read()

    @property
    def errors(self) -> str:
        with open(f"{self.stem}.err", errors="replace") as file:
            return file.read()

    def signal(self, number: int):
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def wait(self, seconds: float = PATIENCE) -> "Run":
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed(f"expected: rung {' '.join(self.words)} ends within {seconds:.0f} s; seen: it runs on; its last words: "
                         f"{self.output.splitlines()[-3:]} {self.errors[-400:]!r}; {self.stem}.out and .err") from None
        return self

    @property
    def code(self) -> int:
        """As a shell would tell it."""
        code = self.process.returncode
        return 128 - code if code < 0 else code

    @property
    def events(self) -> list[dict]:
        found = []
        for line in self.output.splitlines():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    found.append(event)
        return found

    def named(self, event: str) -> list[dict]:
        return [each for each in self.events if each.get("event") == event]

    @property
    def counts(self) -> dict:
        """What `run-finished` says; empty when the run has not come so far."""
        finished = self.named("run-finished")
        return finished[-1] if finished else {}

    @property
    def story(self) -> str:
        """For the one who has to find out what went wrong."""
        return f"code {self.code}, {json.dumps(self.counts)}, {self.errors.strip()[-1200:]!r}; {self.stem}.out and .err"


class Project:
    """A project in a folder of its own, with its own home and cache, and the cluster that its runs use."""

    def __init__(self, folder: str, rung: str, cluster: Cluster | None, user: str | None = None, settings: str = "",
                 **slurm: object):
        """`slurm` goes into rung.yaml, over what every story has. Without a cluster its runs are local ones."""
        self.folder, self.rung_path, self.cluster, self.user = folder, rung, cluster, user
        self.root, self.home, self.shims = f"{folder}/project", f"{folder}/home", f"{folder}/shims"
        for path in (folder, self.root, self.home, f"{self.root}/locks", self.shims):
            os.makedirs(path, exist_ok=True)
        shared = slurm.get("exchange", folder)
        os.makedirs(shared, exist_ok=True)
        if user:
            who = pwd.getpwnam(user)
            for path in (folder, self.root, self.home, f"{self.root}/locks", shared):
                os.chown(path, who.pw_uid, who.pw_gid)
        self.witness = Witness(f"{self.root}/events")
        self.count = 0
        self.runs: list[Run] = []
        if cluster is None:
            self.write("rung.yaml", settings)
            return
        wanted = {"time": "10m", "cpus": 2, "memory": "1GB", "workers": 3, "idle": "3s", **slurm}
        self.write("rung.yaml", settings + "slurm:\n" + "".join(f"  {name}: {value}\n" for name, value in wanted.items()))

    def close(self):
        self.witness.close()

    def write(self, path: str, text: str):
        path = f"{self.root}/{path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        if self.user:
            who = pwd.getpwnam(self.user)
            while path != self.root:
                os.chown(path, who.pw_uid, who.pw_gid)
                path = os.path.dirname(path)

    def read(self, path: str) -> str | None:
        try:
            with open(f"{self.root}/{path}", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def locks(self, *keys: object):
        """The files that executions of these keys lock. They must be there before."""
        for key in keys:
            self.write(f"locks/{key}", "")

    def witnessed(self, key: str, *body: str, indent: int = 8) -> str:
        """Lines of a shell that lock the key and say `begin KEY` and `end KEY` around the body. Placeholders may be in both."""
        lines = [f"exec 9< {self.root}/locks/{key}", f"flock -n 9 || echo overlap {key} > {self.root}/events",
                 f"echo begin {key} > {self.root}/events", *body, f"echo end {key} > {self.root}/events"]
        return ("\n" + " " * indent).join(lines)

    # What users do

    @property
    def environment(self) -> dict[str, str]:
        said = {"HOME": self.home, "TERM": "dumb", "NO_COLOR": "1", "TZ": "UTC", "LANG": "C.UTF-8", "PATH": f"{self.shims}:{PATH}"}
        return said | (self.cluster.environment if self.cluster else {})

    def start(self, *words: str, variables: dict[str, str] | None = None) -> Run:
        self.count += 1
        stem = f"{self.folder}/{self.count:02}-{words[0]}"
        as_user = {}
        if self.user:
            who = pwd.getpwnam(self.user)
            as_user = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        with open(f"{stem}.out", "wb") as output, open(f"{stem}.err", "wb") as errors:
            process = subprocess.Popen([self.rung_path, *words], cwd=self.root, env=self.environment | (variables or {}),
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=errors, **as_user)
        run = Run(process, stem, words)
        self.runs.append(run)
        return run

    def begin(self, *words: str, variables: dict[str, str] | None = None) -> Run:
        """Starts `rung run --json` where this project's steps go."""
        there = ["--executor", "slurm"] if self.cluster else []
        return self.start("run", *there, "--json", *words, variables=variables)

    def run(self, *words: str, seconds: float = PATIENCE) -> Run:
        return self.begin(*words).wait(seconds)

    def done(self, *words: str, ran: int | None = None, seconds: float = PATIENCE) -> Run:
        """A run that must end well, and may not execute other than so many steps."""
        run = self.run(*words, seconds=seconds)
        expect(run.code == 0, "the run ends well", run.story)
        if ran is not None:
            expect(run.counts.get("ran") == ran, f"{ran} steps ran", run.story)
        return run

    def ask(self, *words: str):
        """What a verb answers in JSON."""
        answer = self.start(*words, "--json").wait(60)
        expect(answer.code in (0, 1), f"rung {' '.join(words)} answers", answer.story)
        return json.loads(answer.output)

    def records(self, target: str) -> list[dict]:
        found = self.ask("show", target)
        return found if isinstance(found, list) else [found]

    # What must hold

    def check_once(self):
        """No two executions of one key at once, and no key with two results that count."""
        overlaps = self.witness.said("overlap")
        expect(not overlaps, "no two executions of one key overlap", overlaps)
        cache = os.path.realpath(f"{self.root}/cache")
        with contextlib.closing(sqlite3.connect(f"file:{cache}/index.sqlite?mode=ro", uri=True)) as index:
            twice = index.execute("SELECT instance, count(*) FROM record WHERE outcome = 'succeeded' GROUP BY key, instance "
                                  "HAVING count(*) > 1").fetchall()
        expect(not twice, "each step has one record of success", twice)

    def fleet_jobs(self) -> list[dict[str, str]]:
        return [job for job in self.cluster.left() if job["name"] == "rung-worker"] if self.cluster else []

    def check_gone(self, seconds: float = 40):
        """No job of ours is left in the queue, and no process of theirs on any node."""
        if not self.cluster:
            return
        until(lambda: not self.fleet_jobs(), seconds, 0.3)
        expect(not self.fleet_jobs(), f"no job of the run is left {seconds:.0f} s after its end", self.fleet_jobs())

        def people() -> list[int]:
            return [pid for name in self.cluster.nodes for pid in self.cluster.inhabitants(name)]

        until(lambda: not people(), seconds, 0.3)
        left = [f"{pid}: {words(pid)}" for pid in people()]
        expect(not left, f"no process of a worker is left {seconds:.0f} s after the run's end", left)

    def workers(self) -> list[dict]:
        """What the workers that are there now say of themselves: the members of worker.json, and `folder`."""
        found = []
        for folder, _, names in os.walk(os.path.realpath(f"{self.root}/cache/fleet")):
            if "worker.json" in names:
                with contextlib.suppress(OSError, ValueError), open(f"{folder}/worker.json") as file:
                    found.append({**json.load(file), "folder": folder})
        return found

    def spy(self, *programs: str):
        """From now on each call of these programs of Slurm is a line in `calls`."""
        for program in programs:
            real = shutil.which(program, path=PATH)
            path = f"{self.shims}/{program}"
            with open(path, "w") as file:
                file.write(f"#!/bin/sh\necho {program} \"$@\" >> {self.folder}/calls\nexec {real} \"$@\"\n")
            os.chmod(path, 0o755)

    def calls(self, program: str) -> list[str]:
        try:
            with open(f"{self.folder}/calls") as file:
                return [line.rstrip("\n") for line in file if line.split(" ")[0] == program]
        except FileNotFoundError:
            return []


def job_of(record: dict) -> str | None:
    """The Slurm job that a record says it was made by; None for one that was made where `rung run` was."""
    job = (record.get("place") or {}).get("job")
    return None if job is None else str(job)


def words(pid: int) -> str:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().replace(b"\0", b" ").decode(errors="replace").strip()[:160]
    return "?"


def slay_quietly(pid: int):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
