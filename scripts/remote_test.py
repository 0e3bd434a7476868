#!/usr/bin/env python3
"""Stories of two machines that share a remote cache, each in a network of its own; started by `make remote-test`, as root.

    scripts/remote_test.py                     all stories with .build/debug/rung
    scripts/remote_test.py --only shared-https one story; may be repeated
    scripts/remote_test.py --list --keep       what there is; keeps all files

Ada and Bob have projects of the same content in different folders, homes, keys and caches of their own, and one remote: a
folder, nginx with WebDAV over TLS and basic authentication on a third machine, or `rung serve-stdio` there, reached by what
stands in for ssh (remote_machines.py). Ada runs everything; Bob should run nothing. Then something is wrong with the remote,
and Bob's results must be right all the same, his cache sound, and the reason told. A line tells of each story: its name, good
or bad, how long it took; of a bad one what was expected, what was seen, and where the files are. Exit status 1 when one is
bad, 77 when there can be no such machines here.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.dont_write_bytecode = True
import remote_machines as machines

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
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


def shared(stage: Stage, kind: str):
    """Ada runs everything, Bob nothing; what Bob has can be traced down to the sources; no password is left anywhere."""
    ada, bob = stage.begin(f"shared-{kind}", kind)
    with Watcher() as watcher:
        stage.given(ada)
        run = bob.run()
    bob.check(ada, run, ran=0)
    expect(run.counts.get("unchanged") == STEPS, "all results are there", run.story)
    traced = bob.rung("trace", FIGURE, "--json")
    expect(traced.code == 0, "the figure can be traced", traced.errors)
    trace = json.loads(traced.output)
    expect(trace["complete"] and any(source["path"].endswith("words.txt") for source in trace["sources"]),
           "down to its sources", (trace["complete"], trace["incomplete"], [source["path"] for source in trace["sources"]]))
    again = bob.run()
    expect(again.code == 0 and again.counts.get("ran") == 0, "then there is nothing to do", again.story)
    repeated = ada.rung("cache", "push", "--json")
    expect(repeated.code == 0 and json.loads(repeated.output)["remotes"][0]["objects"] == 0, "a second push sends nothing",
           repeated.output[-400:])
    if kind == "https":
        expect(not watcher.seen, "the password is in nobody's arguments", watcher.seen)
        found = secret_in(ada.root, bob.root, ada.home, bob.home, stage.web.root)
        expect(not found, "the password is in no file", found)


def pulled(stage: Stage, kind: str):
    """`rung cache pull` alone, then a run without the remote has nothing to do."""
    ada, bob = stage.begin(f"pulled-{kind}", kind)
    stage.given(ada)
    pull = bob.rung("cache", "pull")
    expect(pull.code == 0, "the pull ends well", pull.output + pull.errors)
    bob.check(ada, bob.run("--no-remote"), ran=0)


def changed_source(stage: Stage, kind: str):
    """Bob has changed a source: what depends on it runs, the rest does not come from nowhere, and Ada's is not taken for it."""
    ada, bob = stage.begin(f"changed-source-{kind}", kind)
    stage.given(ada)
    bob.write("pipelines/share/words.txt", "quince\nash\n")
    run = bob.run()
    expect(run.code == 0 and run.counts.get("ran") == STEPS, "Bob runs everything", run.story)
    expect("QUINCE" in (bob.read(FIGURE) or ""), "the result is that of Bob's source", bob.read(FIGURE))


def flipped(stage: Stage, kind: str):
    """A byte of an object at the remote is another one."""
    ada, bob = stage.begin(f"flipped-{kind}", kind)
    stage.given(ada)
    victim = stage.objects()[0]
    with open(victim, "r+b") as file:
        file.seek(os.path.getsize(victim) // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    run = bob.run()
    bob.check(ada, run, least=1)
    told(run, "damaged|other bytes|digest")


def lost(stage: Stage, kind: str):
    """An object that a result names is not there."""
    ada, bob = stage.begin(f"lost-{kind}", kind)
    stage.given(ada)
    bob.settings(f"{{url: '{stage.remote}', push: false}}", [ada.key])
    victim = stage.objects()[0]
    os.remove(victim)
    run = bob.run()
    bob.check(ada, run, least=1)
    told(run, "missing|not whole")
    healed = ada.rung("cache", "push")
    expect(healed.code == 0, "another push ends well", healed.output + healed.errors)
    expect(os.path.exists(victim), "and brings back what was lost", healed.output)


def forged(stage: Stage, kind: str):
    """Results are exchanged: each has a good signature, of something else."""
    ada, bob = stage.begin(f"forged-{kind}", kind)
    stage.given(ada)
    results = stage.objects("ac")
    expect(len(results) == STEPS, "there is a result for each step", len(results))
    texts = []
    for path in results:
        with open(path, "rb") as file:
            texts.append(file.read())
    for path, text in zip(results, texts[1:] + texts[:1]):
        with open(path, "wb") as file:
            file.write(text)
    run = bob.run()
    bob.check(ada, run, ran=STEPS)
    told(run, "not used")


def stranger(stage: Stage, kind: str):
    """Results by a key that Bob does not trust are not used, and he is told which key it is."""
    ada, bob = stage.begin(f"stranger-{kind}", kind)
    stage.given(ada)
    bob.settings(stage.remote)
    run = bob.run()
    bob.check(ada, run, ran=STEPS)
    told(run, ada.key)
    expect("trust" in run.warnings, "and what to write into rung.yaml", run.story)


def unwell(stage: Stage, bob: Machine, ada: Machine, pattern: str, variables: dict[str, str] | None = None, verb: bool = True):
    """A remote that cannot be used: the run does all by itself and says why; `rung cache pull` fails and says it, too."""
    run = bob.run(variables=variables)
    bob.check(ada, run, ran=STEPS)
    told(run, pattern)
    expect(run.seconds < 90, "the run is not held up", f"{run.seconds:.0f} s")
    if verb:
        other = bob.rung("cache", "pull", "--json", variables=variables)
        push = bob.rung("cache", "push", variables=variables)
        expect(push.code == 3, "a push fails with code 3", (push.code, push.output, push.errors))
        expect(re.search(pattern, push.errors, re.I), f"and says why (/{pattern}/)", push.errors)
        expect(other.code in (0, 3), "a pull has nothing to do, or fails", (other.code, other.output, other.errors))


def stalled(stage: Stage, kind: str):
    """The connection stands still in the middle of an answer."""
    ada, bob = stage.begin("stalled", "https")
    stage.given(ada)
    with machines.Proxy(stage.network, stage.folder, stage.web.port, "stall", 6_000) as proxy:
        bob.settings(proxy.url, [ada.key])
        run = bob.run()
    bob.check(ada, run, least=1)
    told(run, "stopped answering|too slow|nothing came")
    expect(run.seconds < 120, "the run is not held up for long", f"{run.seconds:.0f} s")


def dropped(stage: Stage, kind: str):
    """Connections break off after some hundred thousand bytes: what has arrived is not lost, or is made here."""
    ada, bob = stage.begin("dropped", "https")
    stage.given(ada)
    with machines.Proxy(stage.network, stage.folder, stage.web.port, "drop", 300_000) as proxy:
        bob.settings(proxy.url, [ada.key])
        run = bob.run()
    bob.check(ada, run)
    expect(run.counts["ran"] + run.counts["unchanged"] == STEPS and run.counts["unchanged"] > 0, "what has arrived is used", run.story)


def cut(stage: Stage, kind: str):
    """Each connection breaks off in the first hello: no remote at all."""
    ada, bob = stage.begin("cut", "https")
    stage.given(ada)
    with machines.Proxy(stage.network, stage.folder, stage.web.port, "drop", 500) as proxy:
        bob.settings(proxy.url, [ada.key])
        unwell(stage, bob, ada, "reset|ended|cannot be reached")


def gone(stage: Stage, kind: str):
    """Nobody listens there any more; and then the cable is pulled."""
    ada, bob = stage.begin("gone", "https")
    stage.given(ada)
    stage.web.stop()
    unwell(stage, bob, ada, "cannot be reached|refused")
    stage.network.link("bob", "down")
    bob.write("pipelines/share/words.txt", "quince\n")
    run = bob.run()
    expect(run.code == 0 and run.counts.get("ran") == STEPS and run.seconds < 90, "without a cable all runs here",
           (run.story, run.seconds))
    told(run, "cannot be reached|no route|stopped answering")


def expired(stage: Stage, kind: str):
    """The server's certificate has expired: nothing is believed, nothing is sent."""
    ada, bob = stage.begin("expired", "https")
    stage.given(ada)
    stage.web.start("expired")
    before = len(stage.web.requests("GET")) + len(stage.web.requests("PUT"))
    unwell(stage, bob, ada, "certificate|expired")
    after = len(stage.web.requests("GET")) + len(stage.web.requests("PUT"))
    expect(after == before, "no request has reached the server", after - before)


def unknown_authority(stage: Stage, kind: str):
    """Without RUNG_CA_FILE the laboratory's own authority is nobody's."""
    ada, bob = stage.begin("unknown-authority", "https")
    stage.given(ada)
    unwell(stage, bob, ada, "certificate|RUNG_CA_FILE", variables={"RUNG_CA_FILE": ""})


def forbidden(stage: Stage, kind: str):
    """A wrong password."""
    ada, bob = stage.begin("forbidden", "https")
    stage.given(ada)
    unwell(stage, bob, ada, "401|credentials|password", variables={"RUNG_REMOTE_PASSWORD": "wrong-staple"})


def full(stage: Stage, kind: str):
    """The disk of the remote is full: the run is none the worse, a push says so; with room again it goes on from there."""
    ada, bob = stage.begin(f"full-{kind}", kind)
    disk = stage.files if kind == "directory" else stage.web.root
    machines.tool("mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "rung-full", disk)
    try:
        if kind == "https":
            os.makedirs(f"{disk}/tmp")
            stage.web.start()
        run = ada.run()
        expect(run.code == 0 and run.counts.get("ran") == STEPS, "Ada's run ends well", run.story)
        told(run, "full|space|50[07]")
        push = ada.rung("cache", "push")
        expect(push.code == 3 and re.search("full|space|50[07]", push.errors, re.I), "a push fails with code 3 and says why",
               (push.code, push.output, push.errors))
        machines.tool("mount", "-o", "remount,size=64m", disk)
        push = ada.rung("cache", "push")
        expect(push.code == 0, "with room it goes on", push.output + push.errors)
        bob.check(ada, bob.run(), ran=0)
    finally:
        if stage.web is not None:
            stage.web.stop()
        machines.tool("umount", "-l", disk)


def unmounted(stage: Stage, kind: str):
    """The folder that is the remote is not there: it is not made, and that is told."""
    ada, bob = stage.begin("unmounted", "directory")
    stage.given(ada)
    os.rename(stage.files, f"{stage.files}-elsewhere")
    unwell(stage, bob, ada, "not there|mounted|no such|does not exist|is no")
    expect(not os.path.exists(stage.files), "nothing is made in its place")


def far_end(stage: Stage, kind: str):
    """The program at the other end of ssh cannot be started, or dies in the middle."""
    ada, bob = stage.begin("far-end", "ssh")
    stage.given(ada)
    stage.stand_in(before="echo 'no route to host store' >&2; exit 255")
    unwell(stage, bob, ada, "no route to host store|ssh")
    bob.write("pipelines/share/words.txt", "quince\n")
    inside = " ".join(f"'{word}'" for word in stage.network.inside("store"))
    stage.stand_in(before=f'{inside} env -i HOME={stage.folder}/far/home PATH={os.path.dirname(stage.rung)}:/usr/bin:/bin sh -c "$*" | '
                          "head -c 2000; exit 1")
    run = bob.run()
    expect(run.code == 0 and run.counts.get("ran") == STEPS and run.seconds < 90, "all runs here", (run.story, run.seconds))


STORIES = {
    **{f"{story.__name__.replace('_', '-')}-{kind}": (story, kind)
       for story, kinds in ((shared, ("directory", "https", "ssh")), (pulled, ("directory", "https", "ssh")),
                            (changed_source, ("directory",)), (flipped, ("directory", "https")), (lost, ("directory", "https")),
                            (forged, ("directory", "https")), (stranger, ("directory", "ssh")), (full, ("directory", "https")))
       for kind in kinds},
    **{story.__name__.replace("_", "-"): (story, "")
       for story in (stalled, dropped, cut, gone, expired, unknown_authority, forbidden, unmounted, far_end)},
}


def tell(stage: Stage, name: str, keep: bool) -> bool:
    story, kind = STORIES[name]
    begin = time.monotonic()
    good, words = True, ""
    try:
        story(stage, kind)
    except Failed as failed:
        good, words = False, f"\n    {failed}\n    files: {stage.folder}, ada/log and bob/log there"
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        good, words = False, f"\n    the story itself broke: {type(error).__name__}: {error}; {place.filename}:{place.lineno}"
    print(f"{name:24} {'good' if good else 'BAD'} {time.monotonic() - begin:7.1f} s{words}", flush=True)
    stage.end()
    if good and not keep:
        shutil.rmtree(stage.folder, ignore_errors=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rung", default=os.environ.get("RUNG_BINARY", f"{HERE}/.build/debug/rung"), help="the program to try")
    parser.add_argument("--only", action="append", choices=list(STORIES), metavar="STORY")
    parser.add_argument("--list", action="store_true", help="the stories")
    parser.add_argument("--keep", action="store_true", help="the files of good stories, too")
    said = parser.parse_args()
    # Whoever ends this leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if said.list:
        for name, (story, _) in STORIES.items():
            print(f"{name:24} {story.__doc__.splitlines()[0]}")
        return
    reason = machines.missing()
    if reason:
        print(f"remote-test: skipped: {reason}", file=sys.stderr)
        sys.exit(77)
    if not os.access(said.rung, os.X_OK):
        sys.exit(f"remote-test: there is no {said.rung}; swift build")
    work = tempfile.mkdtemp(prefix="rung-remote-", dir="/tmp")
    os.chmod(work, 0o755)
    # A copy, so that a build meanwhile changes nothing.
    os.makedirs(f"{work}/bin")
    for name in ("rung", "rung-step", "rung-transfer"):
        path = os.path.join(os.path.dirname(os.path.realpath(said.rung)), name)
        if os.path.exists(path):
            shutil.copy(path, f"{work}/bin/{name}")
    version = subprocess.run([f"{work}/bin/rung", "--version"], capture_output=True, text=True)
    if version.returncode != 0:
        sys.exit(f"remote-test: {said.rung} does not start ({version.returncode}): {version.stderr.strip()}")
    bad: list[str] = []
    names = said.only or list(STORIES)
    try:
        with machines.Network(["ada", "bob", "store"]) as network:
            stage = Stage(work, f"{work}/bin/rung", network)
            print(f"{len(names)} stories with {said.rung}; files in {work}", flush=True)
            bad += [name for name in names if not tell(stage, name, said.keep)]
    except KeyboardInterrupt:
        sys.exit("remote-test: interrupted")
    finally:
        if not bad and not said.keep:
            shutil.rmtree(work, ignore_errors=True)
    if bad:
        sys.exit(f"remote-test: {len(bad)} of {len(names)} are bad: {', '.join(bad)}; --only {bad[0]} tries again")
    print(f"remote-test: all {len(names)} are good")


if __name__ == "__main__":
    main()
