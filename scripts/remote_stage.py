"""What the stories of remote caches are told with: two machines with a project each, and a remote; see remote_test.py."""
import contextlib
import json
import os
import re
import subprocess
import threading
import time

import remote_machines as machines

PASSWORD = "correct-horse-battery-9"
STEPS = 7
FIGURE = "pipelines/share/results/all.txt"
# Small files, a large one, a folder, and a result of many: 3 + 3 + 1 instances.
PIPELINE = """pipeline: share
axes: {n: [1, 2, 3]}
steps:
  make:
    over: [n]
    run: |
      sort {words} > {out.sorted}
      seq {n} 90000 > {out.numbers}
    inputs: {words: words.txt}
    outputs: {sorted: sorted.txt, numbers: numbers.txt}
  turn:
    over: [n]
    run: |
      mkdir {out.folder}
      tr a-z A-Z < {make.sorted} > {out.folder}/upper.txt
      tail -n 3 {make.numbers} > {out.folder}/last.txt
    outputs: {folder: folder/}
  all:
    run: cat {turn.folder}/*/folder/* > {out.all}
    outputs: {all: {path: all.txt, publish: results/all.txt}}
"""


class Failed(Exception):
    """What was expected and what was seen."""


def expect(condition, expected: str, seen: object = ""):
    if not condition:
        raise Failed(f"expected: {expected}" + (f"; seen: {seen}" if seen != "" else ""))


class Outcome:
    """What a `rung` did."""

    def __init__(self, process: subprocess.CompletedProcess, seconds: float):
        self.code, self.output, self.errors, self.seconds = process.returncode, process.stdout, process.stderr, seconds
        self.events: list[dict] = []
        for line in self.output.splitlines():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    self.events.append(event)

    @property
    def counts(self) -> dict:
        return next((event for event in reversed(self.events) if event.get("event") == "run-finished"), {})

    @property
    def warnings(self) -> str:
        return "\n".join([event["message"] for event in self.events if event.get("event") == "warning"] + [self.errors])

    @property
    def story(self) -> str:
        return f"code {self.code}, {json.dumps(self.counts)}, {self.warnings.strip()[-1500:]!r}"


class Machine:
    """Ada's or Bob's: a place for the project, a home, a cache and a key."""

    def __init__(self, stage, name: str, folder: str, root: str):
        self.stage, self.name, self.folder = stage, name, folder
        self.root, self.home = f"{folder}/{root}", f"{folder}/home"
        os.makedirs(f"{self.root}/pipelines/share")
        os.makedirs(self.home)
        self.write("pipelines/share/pipeline.yaml", PIPELINE)
        self.write("pipelines/share/words.txt", "sugar\nplum\nash\nelder\n")
        self.settings()
        made = self.rung("key", "new")
        found = re.search(r"sha256:[0-9a-f]{64}", made.output)
        expect(made.code == 0 and found, "`rung key new` makes a key and names it", made.story)
        self.key = found[0]

    def write(self, path: str, text: str):
        with open(f"{self.root}/{path}", "w") as file:
            file.write(text)

    def read(self, path: str) -> str | None:
        with contextlib.suppress(FileNotFoundError), open(f"{self.root}/{path}") as file:
            return file.read()
        return None

    def settings(self, remote: str = "", trust: list[str] | None = None):
        self.write("rung.yaml", (f"remote: {remote}\n" if remote else "") + (f"trust: {json.dumps(trust)}\n" if trust else ""))

    def rung(self, *words: str, variables: dict[str, str] | None = None, seconds: float = 180) -> Outcome:
        environment = {"HOME": self.home, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "dumb", "NO_COLOR": "1", "TZ": "UTC",
                       "RUNG_REMOTE_BACKOFF": "50", "RUNG_REMOTE_STALL": "3", **self.stage.variables, **(variables or {})}
        begin = time.monotonic()
        try:
            process = subprocess.run([*self.stage.network.inside(self.name), self.stage.rung, *words], cwd=self.root, env=environment,
                                     stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"expected: rung {' '.join(words)} ends within {seconds:.0f} s; seen: it runs on; it said "
                         f"{(late.stdout or b'')[-400:]!r} {(late.stderr or b'')[-400:]!r}") from None
        with open(f"{self.folder}/log", "a") as file:
            file.write(f"$ rung {' '.join(words)}\n{process.stdout}{process.stderr}({process.returncode})\n")
        return Outcome(process, time.monotonic() - begin)

    def run(self, *words: str, variables: dict[str, str] | None = None) -> Outcome:
        return self.rung("run", "--json", *words, variables=variables)

    def check(self, other: "Machine", run: Outcome, ran: int | None = None, least: int | None = None):
        """That a run has ended well, with the result of the other machine, and has left a sound cache."""
        expect(run.code == 0, f"{self.name}'s run ends well", run.story)
        if ran is not None:
            expect(run.counts.get("ran") == ran, f"{self.name} runs {ran} steps", run.story)
        if least is not None:
            expect(run.counts.get("ran", 0) >= least, f"{self.name} runs at least {least} steps", run.story)
        expect(self.read(FIGURE) is not None and self.read(FIGURE) == other.read(FIGURE), "what is published is the same",
               (self.read(FIGURE) or "nothing")[:80])
        sound = self.rung("cache", "check")
        expect(sound.code == 0, f"{self.name}'s cache is sound", sound.output + sound.errors)


class Stage:
    """The network, and what stories are told with."""

    def __init__(self, work: str, rung: str, network: machines.Network):
        self.work, self.rung, self.network = work, rung, network
        self.variables: dict[str, str] = {}
        self.authority = machines.Authority(f"{work}/ca", network.addresses["store"])
        self.web: machines.Nginx | None = None
        self.folder = ""

    def begin(self, name: str, kind: str) -> tuple[Machine, Machine]:
        """Two machines with a new remote of this kind, which Bob trusts for Ada's results."""
        self.folder = f"{self.work}/{name}"
        os.makedirs(self.folder)
        self.kind, self.variables = kind, {}
        ada = Machine(self, "ada", f"{self.folder}/ada", "work/thesis")
        bob = Machine(self, "bob", f"{self.folder}/bob", "srv/laboratory/copy")
        if kind == "directory":
            self.files = f"{self.folder}/shelf"
            os.makedirs(self.files)
            self.remote = self.files
        elif kind == "https":
            os.makedirs(f"{self.folder}/web")
            self.web = machines.Nginx(self.network, f"{self.folder}/web", self.authority, "lab", PASSWORD)
            self.web.start()
            self.files = f"{self.web.root}/cache"
            self.remote = self.web.url
            self.variables = {"RUNG_CA_FILE": self.authority.file, "RUNG_REMOTE_USER": "lab", "RUNG_REMOTE_PASSWORD": PASSWORD}
        else:
            self.files = f"{self.folder}/far/cache"
            os.makedirs(f"{self.folder}/far/home")
            os.makedirs(self.files)
            self.remote = f"ssh://store{self.files}"
            self.stand_in()
        for machine in (ada, bob):
            machine.settings(self.remote, [ada.key])
        return ada, bob

    def stand_in(self, before: str = ""):
        """What stands in for ssh: leaves out options and the host, and runs the command on the third machine."""
        path = f"{self.folder}/ssh"
        inside = " ".join(f"'{word}'" for word in self.network.inside("store"))
        with open(path, "w") as file:
            file.write(f"""#!/bin/sh
while :; do
  case $1 in
  -[poilFJ]) shift 2 ;;
  -*) shift ;;
  *) break ;;
  esac
done
shift
{before}
exec {inside} env -i HOME={self.folder}/far/home PATH={os.path.dirname(self.rung)}:/usr/bin:/bin sh -c "$*"
""")
        os.chmod(path, 0o755)
        self.variables = {"RUNG_SSH": path}

    def objects(self, kind: str = "cas") -> list[str]:
        """The files of the remote, largest first."""
        found = [f"{folder}/{name}" for folder, _, names in os.walk(f"{self.files}/{kind}") for name in names
                 if re.fullmatch(r"[0-9a-f]{64}", name)]
        return sorted(found, key=lambda path: (-os.path.getsize(path), path))

    def end(self):
        if self.web is not None:
            self.web.stop()
            self.web = None
        for name in ("ada", "bob", "store"):
            self.network.link(name, "up")

    # What stories have in common

    def given(self, ada: Machine):
        """Ada runs everything; it is at the remote afterwards."""
        run = ada.run()
        expect(run.code == 0 and run.counts.get("ran") == STEPS, "Ada runs everything", run.story)
        push = ada.rung("cache", "push")
        expect(push.code == 0, "a push after that ends well", push.output + push.errors)


def told(run: Outcome, pattern: str):
    expect(re.search(pattern, run.warnings, re.I), f"a warning tells why (/{pattern}/)", run.story)


def secret_in(*folders: str) -> list[str]:
    found = []
    for folder in folders:
        outcome = subprocess.run(["grep", "-rlF", PASSWORD, folder], capture_output=True, text=True)
        found += outcome.stdout.split()
    return found


class Watcher:
    """Looks for the password in the arguments of all programs, again and again."""

    def __init__(self):
        self.seen: set[str] = set()
        self.isOn = True
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while self.isOn:
            for name in os.listdir("/proc"):
                if name.isdigit():
                    with contextlib.suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as file:
                        words = file.read()
                        if PASSWORD.encode() in words:
                            self.seen.add(words.replace(b"\0", b" ").decode(errors="replace")[:100])
            time.sleep(0.01)

    def __enter__(self) -> "Watcher":
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.isOn = False
        self.thread.join()
