"""The graphs of steps that Rung and the other tools get: the same for all, from here alone.

A step reads files and writes one small file. What it writes has a size that does not depend on how many steps are below
it: checksums of what it read, so that contents do not grow from layer to layer, and any change goes on upwards.
"""
import math

FILES = 1000  # in the data set that a sweep is over


class Step:
    """One step. `after` are the indices of the steps whose outputs it reads, `sources` the files it reads itself."""
    __slots__ = ("name", "kind", "sources", "after", "parameter")

    def __init__(self, name, kind, sources, after=(), parameter=None):
        self.name, self.kind, self.sources, self.after, self.parameter = name, kind, sources, after, parameter

    @property
    def output(self):
        return f"out/{self.name}.txt"

    def command(self, sources, inputs, out, note=""):
        """The text for a shell, the same for every tool but for the paths. A note makes it another command."""
        if self.kind == "head":      # deaf to all but the first bytes of its source
            text = f"head -c 8 {sources[0]} | cksum > {out}"
        elif self.kind == "gather":  # `inputs` is where the files are, and a pattern of their names
            text = f"find {inputs[0]} -name '{inputs[1]}' | sort | xargs cat | cksum > {out}"
        elif self.kind == "pair":
            text = f"cksum {sources[0]} > {out} && echo {self.parameter} >> {out}"
        else:
            text = f"cksum {' '.join([*sources, *inputs])} > {out}"
        return f"{text} && echo {note} >> {out}" if note else text


class Shape:
    """A graph.

    steps      makers before users
    sources    every source file, in the order of their numbers
    leaf       a step whose own source nothing else reads, and whose output nothing reads; None where there is none
    root       a step at the bottom, whose change goes up as far as a change can
    deaf       a step at the bottom that ignores the end of its source; None where there is none
    noted      the steps whose command changes when a command changes
    tops       the steps whose outputs nobody reads
    note       what distinguishes the command of `noted` from what it was at first
    """

    def __init__(self, name, steps, leaf, root, deaf, noted):
        self.name, self.steps = name, steps
        self.leaf, self.root, self.deaf, self.noted = leaf, root, deaf, frozenset(noted)
        self.sources = list(dict.fromkeys(source for step in steps for source in step.sources))
        self.readers = [[] for _ in steps]
        for index, step in enumerate(steps):
            for below in step.after:
                self.readers[below].append(index)
        self.tops = [index for index, readers in enumerate(self.readers) if not readers]
        self.note = ""

    def reading(self, source):
        """The steps that read a source themselves."""
        return {index for index, step in enumerate(self.steps) if source in step.sources}

    def above(self, start):
        """These steps and all that hang on them."""
        found, open_ = set(start), list(start)
        while open_:
            for reader in self.readers[open_.pop()]:
                if reader not in found:
                    found.add(reader)
                    open_.append(reader)
        return found

    def note_of(self, index):
        return self.note if index in self.noted else ""

    def shell(self, index):
        """The command of a step where sources and outputs lie in src/ and out/ of the working folder."""
        step = self.steps[index]
        inputs = ["out", "leaf_*.txt"] if step.kind == "gather" else [self.steps[below].output for below in step.after]
        return step.command(step.sources, inputs, step.output, self.note_of(index))


def content(number, head=0, tail=0):
    """What the source of this number holds. `head` and `tail` tell versions apart; all have one length."""
    return f"{(number + head * 7919) % 10**8:08d} and a tail {tail:06d}\n"


def layers(count):
    """Layers of about √N steps; each reads a source of its own and two outputs of the layer below."""
    width = max(1, round(math.sqrt(count)))
    steps = []
    for index in range(count):
        layer, place = divmod(index, width)
        below = () if layer == 0 else tuple(dict.fromkeys(
            ((layer - 1) * width + place, (layer - 1) * width + (place + 1) % width)))
        name = f"l{layer}_{place}"
        steps.append(Step(name, "head" if index == 0 else "cksum", (f"src/l{layer}/{place}.txt",), below))
    # The last step is one of the top layer even where that is not full.
    return Shape("layers", steps, leaf=count - 1, root=min(width // 2 + 1, width - 1), deaf=0, noted=[count - 1])


def chain(count):
    """Each step reads its predecessor's output and a source of its own."""
    steps = [Step(f"c{index}", "cksum" if index else "head", (f"src/{index // 100}/{index}.txt",),
                  (index - 1,) if index else ()) for index in range(count)]
    return Shape("chain", steps, leaf=count - 1, root=0, deaf=0, noted=[count - 1])


def fan_in(count):
    """Independent steps with a source each, and one that reads all their outputs."""
    leaves = count - 1
    steps = [Step(f"leaf_{index}", "head", (f"src/{index}.txt",), parameter=index) for index in range(leaves)]
    steps.append(Step("gather", "gather", (), tuple(range(leaves))))
    return Shape("fan-in", steps, leaf=None, root=0, deaf=0, noted=[leaves])


def sweep(count):
    """Each step reads one file of a data set and has a parameter."""
    files = min(FILES, count)
    count -= count % files  # every file with every value, as an axis has it
    steps = [Step(f"s{index % files}_{index // files}", "pair", (f"src/{index % files}.txt",),
                  parameter=index // files) for index in range(count)]
    return Shape("sweep", steps, leaf=None, root=0, deaf=None, noted=range(count))


SHAPES = {"layers": layers, "chain": chain, "fan-in": fan_in, "sweep": sweep}
