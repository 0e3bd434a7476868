#!/usr/bin/env python3
"""Stories of two machines that share a remote cache, each in a network of its own; started by `make remote-test`, as root.

    scripts/remote_test.py                     all stories with .build/debug/rung
    scripts/remote_test.py --only shared-https one story; may be repeated
    scripts/remote_test.py --list --keep       what there is; keeps all files

Ada and Bob have projects of the same content in different folders, homes, keys and caches of their own, and one remote: a
folder, nginx with WebDAV over TLS and basic authentication on a third machine, or `rung serve-stdio` there, reached by what
stands in for ssh (remote_machines.py, remote_stage.py). Ada runs everything; Bob should run nothing. Then something is wrong with the remote,
and Bob's results must be right all the same, his cache sound, and the reason told. A line tells of each story: its name, good
or bad, how long it took; of a bad one what was expected, what was seen, and where the files are. Exit status 1 when one is
bad, 77 when there can be no such machines here.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
import remote_machines as machines
from remote_stage import Failed, Stage
from remote_stories import STORIES

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


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
