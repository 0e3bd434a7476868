"""What happens to a project, which steps must run then, and whether Rung tells the right reasons.

A scenario changes a project that is up to date and says which steps then have to run: those whose inputs changed by
content, and no other; a step whose output came out as it was stops the wave. `expected` are names of steps.
"""
import json
import os

from scale_projects import RUNG


class Scenario:
    """`field` is the kind of reason that `rung why` must give for the first step, `stops` whether the wave ends there,
    `heavy` whether many steps run, "peers" if they do so with peers only."""

    def __init__(self, name, title, apply, field=None, stops=False, heavy=False):
        self.name, self.title, self.apply = name, title, apply
        self.field, self.stops, self.heavy = field, stops, heavy


class Due:
    """The steps that have to run, as indices; `first` is the one, or one of those, where the change is."""

    def __init__(self, steps=(), first=None):
        self.steps, self.first = set(steps), first


def cold(project, turn):
    return Due(range(len(project.shape.steps)), 0)


def nothing(project, turn):
    return Due()


def at(project, index, **how):
    """A change of a step's own source, which goes up."""
    shape = project.shape
    source = shape.steps[index].sources[0]
    project.change(source, **how)
    return Due(shape.above(shape.reading(source)), index)


def leaf(project, turn):
    return None if project.shape.leaf is None else at(project, project.shape.leaf, head=1)


def root(project, turn):
    return at(project, project.shape.root, head=1)


def times(project, turn):
    return at(project, project.shape.root, head=1, times=True)


def deaf(project, turn):
    if project.shape.deaf is None:
        return None
    at(project, project.shape.deaf, tail=1)
    return Due({project.shape.deaf}, project.shape.deaf)


def command(project, turn):
    project.shape.note = f"v{turn}"
    project.describe()
    return Due(project.shape.noted, min(project.shape.noted))


def touched(project, turn):
    project.touch()
    return Due()


def lost(project, how):
    output = project.output()
    if output is None:
        return None
    how(output)
    return Due() if project.keeps else Due({project.shape.tops[-1]})


def deleted(project, turn):
    return lost(project, os.remove)


def tampered(project, turn):
    def tamper(path):
        with open(path, "w") as file:
            file.write("not what the step made\n")

    return lost(project, tamper)


# In this order: what a peer may miss, and carry along as a stale result, comes last.
SCENARIOS = [
    Scenario("cold", "cold", cold, "record", heavy=True),
    Scenario("nothing", "nothing changed", nothing),
    Scenario("leaf", "one leaf changed", leaf, "input"),
    Scenario("root", "one root changed", root, "input", heavy=True),
    Scenario("command", "a command changed", command, "command"),
    Scenario("same", "a source changed, its step's output the same", deaf, "input", stops=True),
    Scenario("touched", "every file touched", touched, heavy="peers"),
    Scenario("deleted", "an output deleted", deleted),
    Scenario("tampered", "an output tampered with", tampered),
    Scenario("times", "a source changed, its size and time restored", times, "input", heavy=True),
]
NAMES = [scenario.name for scenario in SCENARIOS]


class Reasons:
    """Asks `rung why` before and after a run of a scenario, of a step where the change is, one that reads its output,
    and one that has nothing to do with it. What is wrong is collected in `problems`."""

    def __init__(self, meter, project, scenario, due):
        self.meter, self.project, self.scenario, self.due = meter, project, scenario, due
        self.problems = []
        shape = project.shape
        self.first = due.first
        self.next = None
        if due.first is not None and scenario.name != "cold":
            self.next = next(iter(shape.readers[due.first]), None)
        # Before the run nobody knows where the wave ends, so it must be one that it cannot reach at all.
        reached = set(due.steps) if due.first is None else shape.above(due.steps)
        self.other = next((index for index in range(len(shape.steps) - 1, -1, -1) if index not in reached), None)

    def ask(self, index):
        target = self.project.targets[index]
        outcome = self.meter.run([RUNG, "why", target, "--json"], self.project.root, self.project.environment,
                                 sync=False)
        if outcome.failed:
            self.problems.append(f"rung why {target} ends with {outcome.codes[0]}: {outcome.text.strip()[-200:]}")
            return None
        return json.loads(outcome.text)

    def hold(self, index, when, standing, fields=None, names=None, ran=None):
        """Compares an answer with what it must be; `ran` is (a run, whether the step's last entry is of that run)."""
        answer = None if index is None else self.ask(index)
        if answer is None:
            return
        of = f"{when} '{self.scenario.title}' rung why {self.project.targets[index]} says"
        if answer["standing"] not in standing:
            self.problems.append(f"{of} {answer['standing']}, not {' or '.join(standing)}")
        told = [(reason["field"], reason["name"]) for reason in answer["reasons"]]
        if fields and not (told and all(field in fields for field, _ in told)):
            self.problems.append(f"{of} {told}, not {' or '.join(fields)}")
        if names and told and not all(name in names for _, name in told):
            self.problems.append(f"{of} {told}, not of {' or '.join(names)}")
        if ran is not None:
            last = answer["instances"][0]["last"] or {}
            if (last.get("run") == ran[0] and last.get("outcome") == "ran") != ran[1]:
                self.problems.append(f"{of} that it {'did not run' if ran[1] else 'ran'} in this run ({last})")

    def source(self):
        return ["src"] if self.scenario.field == "input" else None

    def before(self):
        if self.first is not None:
            self.hold(self.first, "before", ["would-run"], [self.scenario.field], self.source())
            self.hold(self.next, "before", ["undecided"], ["upstream"], [self.project.targets[self.first]])
        self.hold(self.other, "before", ["current"])

    def after(self, outcome):
        run = None if self.project.quiet else json.loads(outcome.text.strip().splitlines()[-1])["run"]
        if self.first is not None:
            self.hold(self.first, "after", ["current"], [self.scenario.field], self.source(), (run, True))
            if self.scenario.stops:
                self.hold(self.next, "after", ["current"], None, None, (run, False))
            elif self.next is not None:
                names = [input_ for index in self.project.shape.steps[self.next].after if index in self.due.steps
                         for input_ in self.input_of(index)]
                self.hold(self.next, "after", ["current"], ["input"], names, (run, True))
        self.hold(self.other, "after", ["current"], None, None, (run, False))

    def input_of(self, index):
        """The names under which an input may appear that is this step's output."""
        target = self.project.targets[index].split("[")[0]
        return [f"{target}.o", f"{target.split('/')[1]}.o"]
