"""What is measured beside the scenarios, and the table of ratios, each held against what is demanded."""
import json
import os

import scale_shapes
from scale_grid import VERBS
from scale_projects import RUNG, Rung
from store_table import Table
from store_tools import duration, median

MB = "{:.0f} MB".format


class Machine:
    """What is no build tool, in the measurements."""

    def __init__(self, name):
        self.name = name

    def version(self):
        return ""


BARE, TRUE = Machine("bare loop"), Machine("/bin/true")


def project(where, pipeline, settings="jobs: 2\nwatch: declared\n"):
    """A project of one pipeline file, and the environment for its commands."""
    os.makedirs(f"{where}/pipelines/b0")
    for path, text in (("rung.yaml", settings), ("pipelines/b0/pipeline.yaml", pipeline)):
        with open(f"{where}/{path}", "w") as file:
            file.write(text)
    return where, {"PATH": "/usr/bin:/bin", "HOME": where}


def well(bench, what, outcome):
    if outcome.failed:
        bench.wrong(f"{what} ends with {outcome.codes}: {outcome.text.strip()[-300:]}")
    return not outcome.failed


def native(bench, steps, rounds):
    """Steps that are one program without a shell, from nothing, beside a loop that starts the same programs."""
    pipeline = (f"pipeline: b0\naxes: {{n: {{range: 1..{steps}}}}}\nsteps:\n  make:\n    over: [n]\n"
                "    run: [truncate, -s, '{n}', '{out.data}']\n    outputs: {data: data}\n")
    print(f"\n{steps:,} native steps (truncate), two jobs, cold")
    for turn in range(rounds):
        where = bench.folder()
        os.makedirs(where)
        loop = ["sh", "-c", f"seq {steps} | xargs -P 2 -I@ truncate -s @ {where}/@"]
        bench.keep(BARE, "native", steps, "cold", turn, bench.meter.run(loop, where, {"PATH": "/usr/bin:/bin"}))
        for watch in ("declared", "traced"):
            root, environment = project(bench.folder(), pipeline)
            outcome = bench.meter.run([RUNG, "run", "--json", "--watch", watch], root, environment)
            if not well(bench, f"rung run --watch {watch} of {steps} native steps", outcome):
                return
            ran = json.loads(outcome.text.strip().splitlines()[-1])["ran"]
            bench.keep(Rung, "native", steps, f"cold, {watch}", turn, outcome, ran, steps)
            if ran != steps:
                bench.wrong(f"{ran} of {steps} native steps ran")


def collect(bench, width, rounds):
    """A step over one axis that reads all instances of a step over another."""
    pipeline = (f"pipeline: b0\naxes: {{i: {{range: 1..{width}}}, j: {{range: 1..{width}}}}}\nsteps:\n"
                "  make:\n    over: [i]\n    run: echo {i} > {out.o}\n    outputs: {o: o.txt}\n"
                "  take:\n    over: [j]\n    run: find {make.o} -name o.txt | wc -l > {out.o} && echo {j} >> {out.o}\n"
                "    outputs: {o: o.txt}\n")
    root, environment = project(bench.folder(), pipeline)
    print(f"\nrung plan of {width:,} × {width:,} collected")
    for turn in range(rounds):
        outcome = bench.meter.run([RUNG, "plan", "--json"], root, environment)
        if not well(bench, f"rung plan of {width} × {width}", outcome):
            return
        bench.keep(Rung, "collect", width, "plan", turn, outcome)
        plan = json.loads(outcome.text)
        if plan["would_run"] + plan["undecided"] != 2 * width:
            bench.wrong(f"rung plan of {width} × {width}: {plan['would_run']} and {plan['undecided']} steps to run")
        if outcome.wall > 20:
            break  # too far from what is demanded for more rounds to tell more


def start(bench, rounds):
    """Start-up: the command that does nothing, beside a program that does nothing."""
    for turn in range(10 * rounds):
        for tool, scenario, command in ((Rung, "--version", [RUNG, "--version"]), (TRUE, "true", ["/bin/true"])):
            bench.keep(tool, "start", 0, scenario, turn, bench.meter.run(command, "/", {"PATH": "/usr/bin:/bin"}))


def at_once(bench, steps, rounds):
    """Eight processes with one job each and overlapping targets, beside one process with eight jobs."""
    print(f"\n{steps:,} steps in layers, by one rung run and by eight at once")
    for turn in range(rounds):
        for processes in (1, 8):
            shape = scale_shapes.layers(steps)
            here = Rung(bench.folder(), shape)
            tops = [here.targets[index] for index in shape.tops]
            commands = []
            for number in range(processes):
                # Half of the top layer each, so that every step of it is wanted by four of eight.
                begin = number * len(tops) // processes
                mine = (tops + tops)[begin:begin + max(1, len(tops) // 2)] if processes > 1 else tops
                commands.append([RUNG, "run", "--json", "--jobs", str(8 // processes), *mine])
            outcome = bench.meter.together(commands, here.root, here.environment)
            if not well(bench, f"{processes} rung run at once", outcome):
                return
            done = [json.loads(line)["instance"] for text in outcome.texts for line in text.splitlines()
                    if line.startswith('{"event":"step-finished"')]
            ends = [json.loads(text.strip().splitlines()[-1]) for text in outcome.texts]
            note = "ran, in seconds: " + ", ".join(f"{end['ran']} in {end['duration_ns'] / 1e9:.1f}" for end in ends)
            wanted = {here.targets[index] for index in range(len(shape.steps))}
            twice = len(done) - len(set(done))
            if twice or set(done) != wanted:
                bench.wrong(f"{processes} rung run at once: {twice} of {len(wanted)} steps ran more than once, "
                            f"{len(wanted - set(done))} not at all")
            bench.keep(Rung, "layers", steps, f"{processes} at once", turn, outcome, len(done), len(wanted), note)


class Ratios:
    """The table, from the measurements alone. Where all was to be measured, `whole`, what is missing is said to be."""

    def __init__(self, bench, whole):
        self.bench, self.whole, self.table = bench, whole, Table()
        # Where the quick form has no project of a demand's size, the largest that it has is told instead.
        self.sizes = sorted({m["steps"] for m in bench.measurements if m["shape"] == "layers"
                             and m["tool"] == "rung" and m["scenario"] == "nothing"})

    def pairs(self, ours, others):
        """Both of each round that has both."""
        rounds = sorted(set(ours) & set(others))
        return [ours[turn] for turn in rounds], [others[turn] for turn in rounds]

    def layers(self, tool, steps, scenario, of="wall_s"):
        return self.bench.values(tool, "layers", steps, scenario, of)

    def missing(self, name, why="not measured"):
        if self.whole:
            self.table.tell(name, "–", why)

    def ratio(self, name, ours, others, most, of):
        ours, others = self.pairs(ours, others)
        if ours:
            self.table.ratio(name, ours, others, most, of)
        else:
            self.missing(name)

    def peers(self):
        if not self.sizes:
            return
        for steps, most in ((1_000, 1.5), (10_000, 1.0), (100_000, 1.0)):
            self.ratio(f"nothing changed, {steps:,}", self.layers("rung", steps, "nothing"),
                       self.layers("ninja", steps, "nothing"), most, "ninja")
        for peer in ("snakemake", "dvc", "pytask", "redun"):
            self.peer(peer)

    def peer(self, peer, size=10_000, most=0.01):
        """A hundredth of a peer's time at the size of the demand, also where the peer was stopped; where there is no
        such project of it, what the largest tells."""
        name = "nothing changed, {:,}"
        stopped = [m for m in self.bench.measurements if (m["tool"], m["shape"], m["steps"], m["scenario"]) ==
                   (peer, "layers", size, "nothing") and m["wall_s"] is None]
        ours = self.layers("rung", size, "nothing").values()
        if stopped and ours:
            reached = median(ours) / self.bench.patience
            self.table.judge(name.format(size), f"<{reached:.3f} ×", f"{duration(median(ours))}; {peer} over "
                             f"{self.bench.patience:.0f} s", f"at most {most} ×", reached <= most)
            return
        sizes = [steps for steps in self.sizes if steps <= size and self.layers(peer, steps, "nothing")]
        if not sizes:
            self.missing(name.format(size), f"{peer}: not measured")
            return
        steps = max(sizes)
        self.ratio(name.format(steps), self.layers("rung", steps, "nothing"), self.layers(peer, steps, "nothing"),
                   most if steps == size else None, peer)

    def touched(self):
        for steps in self.sizes:
            self.ratio(f"every file touched, {steps:,}", self.layers("rung", steps, "touched"),
                       self.layers("rung", steps, "nothing"), 3 if steps == 10_000 else None, "nothing changed")

    def native(self):
        for steps in sorted({m["steps"] for m in self.bench.measurements if m["shape"] == "native"}):
            bare = self.bench.values("bare loop", "native", steps, "cold")
            for watch, most in (("declared", 0.5), ("traced", 2.0)):
                ours, loop = self.pairs(self.bench.values("rung", "native", steps, f"cold, {watch}"), bare)
                if ours:
                    over = median([(a - b) / steps * 1e3 for a, b in zip(ours, loop)])
                    self.table.judge(f"cold, {steps:,} native, {watch}, a step", f"+{over:.2f} ms",
                                     f"bare loop {median(loop) / steps * 1e3:.2f} ms", f"at most +{most} ms",
                                     over <= most)

    def leaf(self):
        for steps in self.sizes:
            ours, others = self.pairs(self.layers("rung", steps, "leaf"), self.layers("rung", steps, "nothing"))
            if not ours:
                continue
            step = median(self.layers("bare loop", steps, "cold").values() or [0]) / steps * 2  # two in flight
            more = median([a - b for a, b in zip(ours, others)])
            arguments = (f"one leaf changed, {steps:,}", f"+{more * 1e3:.1f} ms",
                         f"{duration(median(others))} nothing; its step {step * 1e3:.1f} ms")
            if steps == 100_000:
                self.table.judge(*arguments, "at most +20 ms", more <= 0.02 + step)
            else:
                self.table.tell(*arguments)

    def collect(self):
        for width in sorted({m["steps"] for m in self.bench.measurements if m["shape"] == "collect"}):
            wall = median(self.bench.values("rung", "collect", width, "plan").values())
            peak = max(self.bench.values("rung", "collect", width, "plan", "peak_mb").values())
            name = f"rung plan, {width:,} × {width:,} collected"
            self.table.judge(name, duration(wall), "", "at most 1 s", wall <= 1)
            self.table.judge(name, MB(peak), "", "at most 200 MB", peak <= 200)

    def asking(self):
        for steps in self.sizes:
            peaks = self.layers("rung", steps, "nothing", "peak_mb")
            most = 40 + 400 * steps / 1e6
            self.table.judge(f"peak, nothing changed, {steps:,}", MB(max(peaks.values())), "",
                             f"at most {most:.0f} MB", max(peaks.values()) <= most)
        for verb in VERBS:
            for steps in self.sizes:
                walls = self.layers("rung", steps, verb)
                if not walls:
                    continue
                wall = median(walls.values())
                if steps == 100_000:
                    self.table.judge(f"rung {verb} STEP, {steps:,}", duration(wall), "", "at most 60 ms", wall <= 0.06)
                else:
                    self.table.tell(f"rung {verb} STEP, {steps:,}", duration(wall))

    def start(self):
        ours, others = self.pairs(self.bench.values("rung", "start", 0, "--version"),
                                  self.bench.values("/bin/true", "start", 0, "true"))
        if ours:
            more = median(ours) - median(others)
            self.table.judge("rung --version", f"+{more * 1e3:.1f} ms", f"/bin/true {duration(median(others))}",
                             "at most +3 ms", more <= 0.003)

    def at_once(self):
        for steps in sorted({m["steps"] for m in self.bench.measurements if m["scenario"] == "8 at once"}):
            self.ratio(f"8 rung run at once, {steps:,}", self.layers("rung", steps, "8 at once"),
                       self.layers("rung", steps, "1 at once"), 1.2, "one with 8 jobs")

    def print(self):
        self.table.title("ratios: medians of the rounds, both sides measured in the same rounds")
        for part in (self.peers, self.touched, self.native, self.leaf, self.collect, self.asking, self.start,
                     self.at_once):
            part()
        judged = [row for row in self.table.rows if "verdict" in row]
        met = sum(row["verdict"] == "PASS" for row in judged)
        print(f"\n{met} of {len(judged)} demands met")
