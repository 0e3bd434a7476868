"""A project of a tool: the files of a shape on the disk, changes to them, and Rung's own kind of project."""
import json
import os
import re

from scale_shapes import content

HERE = os.path.dirname(os.path.abspath(__file__))
RUNG = os.path.abspath(os.environ.get("RUNG_BINARY", os.path.join(HERE, "..", ".build", "release", "rung")))
JOBS = 2     # in flight, whatever the machine has: the limit is a loop with two
PART = 20_000  # explicit steps in one pipeline file, which may have 8 MB


class Project:
    """A shape in a new folder, built by one tool.

    To be written by each tool: `describe` (the build file), `command`, and where the outputs' times do not tell it,
    `ran`. Sources lie in src/, outputs in out/.
    """
    name = ""
    keeps = False     # whether a lost output comes back without running its step
    parallel = True   # whether two steps run at once

    def __init__(self, where, shape):
        self.root, self.shape = where, shape
        self.versions = {}
        os.makedirs(f"{where}/out")
        for folder in {os.path.dirname(source) for source in shape.sources}:
            os.makedirs(f"{where}/{folder}")
        for number, source in enumerate(shape.sources):
            with open(f"{where}/{source}", "w") as file:
                file.write(content(number))
        self.numbers = {source: number for number, source in enumerate(shape.sources)}
        self.environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": where, "LC_ALL": "C.UTF-8"}
        self.prepare()
        self.describe()

    # What a tool says of itself.

    @classmethod
    def version(cls):
        return ""

    def prepare(self):
        """What is done once in a new project, and is not timed."""

    def describe(self):
        """Writes the build file; again when a command has changed."""
        raise NotImplementedError

    def command(self):
        """What brings everything up to date."""
        raise NotImplementedError

    def ran(self, outcome, before, after):
        """The names of the steps that ran, from what the tool printed or the states of the outputs before and after."""
        return {name for name, state in after.items() if state != before.get(name)}

    def settle(self):
        """Called before anything is changed that the tool has seen."""

    # Changes.

    def write(self, path, text):
        with open(f"{self.root}/{path}", "w") as file:
            file.write(text)

    def change(self, source, head=0, tail=0, times=False):
        """Gives a source new content of the same length, in its first eight bytes or in its end; with `times`, under the
        times that it had."""
        old_head, old_tail = self.versions.get(source, (0, 0))
        self.versions[source] = (old_head + head, old_tail + tail)
        was = os.stat(f"{self.root}/{source}")
        self.write(source, content(self.numbers[source], *self.versions[source]))
        if times:
            os.utime(f"{self.root}/{source}", ns=(was.st_atime_ns, was.st_mtime_ns))

    def touch(self):
        for source in self.shape.sources:
            os.utime(f"{self.root}/{source}")

    def output(self):
        """An output that a scenario takes away: of a step that nothing hangs on."""
        return f"{self.root}/{self.shape.steps[self.shape.tops[-1]].output}"

    def states(self):
        """What can be seen of every output without reading it."""
        found = {}
        with os.scandir(f"{self.root}/out") as entries:
            for entry in entries:
                status = entry.stat()
                found[entry.name.removesuffix(".txt")] = (status.st_ino, status.st_mtime_ns)
        return found


class Bare(Project):
    """The limit: a loop that starts the same commands, in an order in which they can run, two in flight."""
    name = "bare loop"

    def describe(self):
        commands = [self.shape.shell(index) for index in range(len(self.shape.steps))]
        last = commands.pop() if self.shape.name == "fan-in" else None
        self.write("commands", "\n".join(commands) + "\n")
        self.write("last", (last or ":") + "\n")

    def command(self):
        flight = 1 if self.shape.name == "chain" else JOBS
        return ["sh", "-c", f"xargs -d '\\n' -n 1 -P {flight} sh -c < commands && sh last"]


class Rung(Project):
    name = "rung"
    keeps = True
    watch = "declared"
    quiet = False  # nothing is to run in this scenario

    @classmethod
    def version(cls):
        with os.popen(f"'{RUNG}' --version") as output:
            return output.read().strip()

    def prepare(self):
        os.rmdir(f"{self.root}/out")  # published files make it, where there are any
        self.write("rung.yaml", f"watch: {self.watch}\njobs: {JOBS}\n")

    def describe(self):
        self.targets = []
        writer = {"fan-in": self.fan_in, "sweep": self.sweep}.get(self.shape.name, self.explicit)
        for name, lines in writer():
            os.makedirs(f"{self.root}/pipelines/{name}", exist_ok=True)
            self.write(f"pipelines/{name}/pipeline.yaml", "\n".join(lines) + "\n")

    def explicit(self):
        """A step of the file for each step; where one file cannot hold all, several that refer to each other."""
        steps, tops = self.shape.steps, set(self.shape.tops)
        for start in range(0, len(steps), PART):
            part = start // PART
            lines = [f"pipeline: b{part}", "steps:"]
            for index in range(start, min(start + PART, len(steps))):
                step = steps[index]
                inputs = ["{" + ("" if below // PART == part else f"b{below // PART}/") + steps[below].name + ".o}"
                          for below in step.after]
                command = step.command(["{src}"], inputs, "{out.o}", self.shape.note_of(index))
                path = f"{{path: o.txt, publish: ../../{step.output}}}" if index in tops else "o.txt"
                lines += [f"  {step.name}:", f"    run: {command}", f"    inputs: {{src: ../../{step.sources[0]}}}",
                          f"    outputs: {{o: {path}}}"]
                self.targets.append(f"b{part}/{step.name}")
            yield f"b{part}", lines

    def fan_in(self):
        leaf, gather = self.shape.steps[0], self.shape.steps[-1]
        leaves = len(self.shape.steps) - 1
        self.targets += [f"b0/leaf[n={index}]" for index in range(leaves)] + ["b0/gather"]
        note = self.shape.note_of(leaves)
        yield "b0", ["pipeline: b0", f"axes: {{n: {{range: 0..{leaves - 1}}}}}", "steps:",
                     "  leaf:", "    over: [n]", f"    run: {leaf.command(['{src}'], [], '{out.o}')}",
                     "    inputs: {src: '../../src/{n}.txt'}", "    outputs: {o: o.txt}",
                     "  gather:", f"    run: {gather.command([], ['{leaf.o}', 'o.txt'], '{out.o}', note)}",
                     f"    outputs: {{o: {{path: o.txt, publish: ../../{gather.output}}}}}"]

    def sweep(self):
        step, files = self.shape.steps[0], len(self.shape.sources)
        values = len(self.shape.steps) // files
        self.targets += [f"b0/s[file={index % files},p={index // files}]" for index in range(len(self.shape.steps))]
        command = step.command(["{src}"], [], "{out.o}", self.shape.note).replace("echo 0 ", "echo {p} ", 1)
        yield "b0", ["pipeline: b0", f"axes: {{file: {{range: 0..{files - 1}}}, p: {{range: 0..{values - 1}}}}}",
                     "steps:", "  s:", "    over: [file, p]", f"    run: {command}",
                     "    inputs: {src: '../../src/{file}.txt'}", "    outputs: {o: o.txt}"]

    def command(self):
        # With --json every instance is told of, which takes a plan: where nothing is to run, as a person types it.
        return [RUNG, "run"] if self.quiet else [RUNG, "run", "--json"]

    def touch(self):
        super().touch()
        for name in os.listdir(f"{self.root}/pipelines"):
            os.utime(f"{self.root}/pipelines/{name}/pipeline.yaml")

    def ran(self, outcome, before, after):
        """From the events of the run, or from its last line, whose sums must add up."""
        if self.quiet:
            end = outcome.text.strip()
            if not re.fullmatch(rf"nothing to do: {len(self.shape.steps)} up to date \(.*\)", end):
                raise ValueError(f"rung run has found something to do: {end[-200:]}")
            return set()
        names = {target: step.name for target, step in zip(self.targets, self.shape.steps)}
        events = [json.loads(line) for line in outcome.text.splitlines() if line.startswith("{")]
        done = [names[event["instance"]] for event in events if event["event"] == "step-finished"]
        end = events[-1]
        total = end["ran"] + end["unchanged"] + end["failed"] + end["skipped"]
        if end["event"] != "run-finished" or len(done) != end["ran"] or total != len(self.shape.steps):
            raise ValueError(f"rung run does not add up: {len(done)} of {len(self.shape.steps)} steps finished; {end}")
        return set(done)

    def output(self):
        return super().output() if os.path.isdir(f"{self.root}/out") else None

    def states(self):
        return {}  # its workspaces are private, and gone: it counts itself
