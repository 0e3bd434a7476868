"""What two machines that share a remote cache must see; see remote_test.py. A story is a function of a Stage and a kind."""
import json
import os
import re

import remote_machines as machines
from remote_stage import FIGURE, STEPS, Machine, Stage, Watcher, expect, secret_in, told


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
