"""Every scenario, for every tool, on one shape and size; and what is kept of it."""
import json
import sys

from scale_projects import RUNG, Bare, Rung
from scale_scenarios import SCENARIOS, Due, Reasons
from scale_shapes import SHAPES
from store_tools import duration, median, remove

VERBS = ["why", "status", "show"]


class Bench:
    """What all parts share: the meter, the measurements, what was left out, what Rung did wrong."""

    def __init__(self, meter, where, patience):
        self.meter, self.where, self.patience = meter, where, patience
        self.measurements, self.problems = [], []
        self.versions = {}
        self.cold = {}  # (tool, shape): the size and the seconds of its largest cold run, or of its reason to give up
        self.folders = 0

    def folder(self):
        # Always a new one: ext4 is slow to make files for some seconds after many were removed.
        self.folders += 1
        return f"{self.where}/{self.folders}"

    def version(self, tool):
        if tool.name not in self.versions:
            self.versions[tool.name] = tool.version()
        return self.versions[tool.name]

    def keep(self, tool, shape, steps, scenario, turn, outcome=None, ran=None, expected=None, note=None):
        measurement = {"tool": tool.name, "version": self.version(tool), "shape": shape, "steps": steps,
                       "scenario": scenario, "round": turn, "wall_s": None, "cpu_s": None, "peak_mb": None,
                       "ran": ran, "expected": expected, "note": note}
        if outcome is not None:
            measurement.update(wall_s=round(outcome.wall, 6), cpu_s=round(outcome.cpu, 6),
                               peak_mb=round(outcome.peak, 2))
        self.measurements.append(measurement)
        return measurement

    def wrong(self, text):
        print(f"  WRONG  {text}")
        self.problems.append(text)

    def values(self, tool, shape, steps, scenario, of="wall_s"):
        """What was measured, by round."""
        return {m["round"]: m[of] for m in self.measurements
                if (m["tool"], m["shape"], m["steps"], m["scenario"]) == (tool, shape, steps, scenario)
                and m[of] is not None}


class Grid:
    """One shape and size."""

    def __init__(self, bench, shape, size, tools, names):
        self.bench, self.make, self.tools = bench, SHAPES[shape], tools
        self.shape = self.make(size)
        self.size = len(self.shape.steps)
        self.scenarios = [scenario for scenario in SCENARIOS if scenario.name in names]
        self.projects = {}  # by tool; one that fails or takes too long is taken out
        self.laid = set()   # the tools whose cold state was put down by hand
        print(f"\n{self.shape.name}, {self.size:,} steps")
        print(f"  {'':<46} {'tool':<10} {'wall':>10} {'cpu':>9} {'peak':>8}   ran of those that must")

    def run(self, rounds, heavy):
        """`rounds` of each scenario, `heavy` of those in which many steps run."""
        first, *rest = SCENARIOS
        for turn in range(heavy):
            for tool in self.tools:
                self.begin(tool, turn)
        self.show(first)
        self.steady()
        for turn in range(rounds):
            for scenario in self.scenarios:
                if scenario.name != "cold" and (turn < heavy or scenario.heavy is not True):
                    self.turn(scenario, turn, alone=scenario.heavy == "peers" and turn >= heavy)
        for scenario in rest:
            if scenario in self.scenarios:
                self.show(scenario)
        if Rung in self.projects:
            self.verbs(rounds)

    def end(self):
        for project in self.projects.values():
            remove(project.root)
        self.projects = {}

    def begin(self, tool, turn):
        """A new project, brought up to date from nothing."""
        name, where = self.shape.name, self.bench.folder()
        guess = self.guess(tool)
        if guess > self.bench.patience and tool is not Rung:
            if not hasattr(tool, "lay"):
                note = f"left out: cold would take {guess:.0f} s and more, as a smaller one tells"
                self.bench.keep(tool, name, self.size, "cold", turn, note=note)
                return
            if tool not in self.projects:
                self.lay(tool, where, f"put down by hand: cold would take {guess:.0f} s and more")
            return
        shape = self.make(self.size)
        project = tool(where, shape)
        old = self.projects.pop(tool, None)
        if self.measure(project, SCENARIOS[0], turn):
            self.projects[tool] = project
        else:
            remove(project.root)
        if old is not None:
            remove(old.root)

    def guess(self, tool):
        """How long a cold run takes at least, from a smaller one and what that takes where nothing has changed."""
        size, seconds = self.bench.cold.get((tool.name, self.shape.name), (1, 0))
        idle = median(self.bench.values(tool.name, self.shape.name, size, "nothing").values() or [0])
        return idle + max(0, seconds - idle) * self.size / size

    def lay(self, tool, where, note):
        shape = self.make(self.size)
        project = tool(where, shape)
        bare = Bare.describe, Bare.command
        bare[0](project)
        if self.bench.meter.run(bare[1](project), project.root, project.environment).failed:
            sys.exit("the bare loop failed")
        project.lay()
        self.projects[tool] = project
        self.laid.add(tool)
        self.bench.keep(tool, shape.name, self.size, "cold", 0, note=note)

    def steady(self):
        """A run that is not measured. Who remembers files by their times does so only once these are older than the
        grain of the clock; that is how a project is that somebody comes back to."""
        for project in list(self.projects.values()):
            if type(project) is not Bare and not type(project) in self.laid:
                project.settle()
                self.bench.meter.run(project.command(), project.root, project.environment, self.bench.patience)

    def turn(self, scenario, turn, alone=False):
        """One round of a scenario; the tools one after the other, each time in another order. Or Rung alone."""
        tools = [tool for tool in self.tools if tool in self.projects and tool is not Bare and
                 (tool is Rung or not alone)]
        for place in range(len(tools)):
            tool = tools[(place + turn) % len(tools)]
            if tool in self.laid and scenario.name not in ("nothing", "leaf", "touched"):
                continue  # it would have to run too much
            if not self.measure(self.projects[tool], scenario, turn):
                remove(self.projects.pop(tool).root)

    def measure(self, project, scenario, turn):
        """Changes, runs, counts, compares. False when the project can no longer be used."""
        bench, shape, tool = self.bench, project.shape, type(project)
        project.settle()
        due = scenario.apply(project, turn)
        if due is None:
            return True
        expected = {shape.steps[index].name for index in due.steps}
        reasons = Reasons(bench.meter, project, scenario, due) if tool is Rung else None
        if reasons:
            reasons.before()
        before = project.states()
        project.quiet = scenario.name in ("nothing", "touched")
        limit = None if tool is Rung else bench.patience
        outcome = bench.meter.run(project.command(), project.root, project.environment, limit)
        if scenario.name == "cold":
            bench.cold[tool.name, shape.name] = (self.size, outcome.wall)
        if outcome.failed:
            why = f"over {bench.patience:.0f} s" if outcome.late else "failed: " + outcome.text.strip()[-300:]
            bench.keep(tool, shape.name, self.size, scenario.name, turn, expected=len(expected), note=f"left out: {why}")
            if tool is Rung:
                bench.wrong(f"{shape.name}, {self.size}, {scenario.title}: rung run {why}")
            return False
        ran = project.ran(outcome, before, project.states())
        note = None
        if ran != expected:
            more, less = sorted(ran - expected), sorted(expected - ran)
            note = "; ".join(f"{what}: {', '.join(names[:3])}{' …' if len(names) > 3 else ''}"
                             for what, names in (("ran without need", more), ("did not run", less)) if names)
        bench.keep(tool, shape.name, self.size, scenario.name, turn, outcome, len(ran), len(expected), note)
        if reasons:
            reasons.after(outcome)
            for problem in reasons.problems + ([note] if note else []):
                bench.wrong(f"{shape.name}, {self.size} steps, {scenario.title}: {problem}")
        return True

    def show(self, scenario):
        """The medians of a scenario, a line for each tool."""
        title = scenario.title
        for tool in self.tools:
            of = [m for m in self.bench.measurements if m["tool"] == tool.name and m["scenario"] == scenario.name
                  and (m["shape"], m["steps"]) == (self.shape.name, self.size)]
            if not of:
                continue
            done = [m for m in of if m["wall_s"] is not None]
            if not done:
                print(f"  {title:<46} {tool.name:<10} {of[0]['note'].splitlines()[0]}")
            else:
                wall, cpu, peak = (median([m[key] for m in done]) for key in ("wall_s", "cpu_s", "peak_mb"))
                wrong = next((m for m in done if m["ran"] != m["expected"]), done[-1])
                note = "" if wrong["ran"] == wrong["expected"] else f"  {wrong['note']}"
                print(f"  {title:<46} {tool.name:<10} {duration(wall):>10} {cpu:>7.2f} s {peak:>5.0f} MB   "
                      f"{wrong['ran']} of {wrong['expected']}{note}")
            title = ""

    def verbs(self, rounds):
        """What it takes to ask about one step of the project."""
        project = self.projects[Rung]
        target = project.targets[len(project.targets) // 2]
        for verb in VERBS:
            for turn in range(max(3, rounds)):
                outcome = self.bench.meter.run([RUNG, verb, target], project.root, project.environment)
                if outcome.failed:
                    self.bench.wrong(f"rung {verb} {target} ends with {outcome.codes[0]}: {outcome.text[-200:]}")
                    break
                self.bench.keep(Rung, self.shape.name, self.size, verb, turn, outcome)
            walls = self.bench.values("rung", self.shape.name, self.size, verb)
            if walls:
                print(f"  {f'rung {verb} STEP':<46} {'rung':<10} {duration(median(walls.values())):>10}")
