"""Names of steps, instances and outputs, as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Union

from .errors import RungError

# No name of a step or an output has a dot in it; labels may, but stand in brackets.
_OUTPUT = re.compile(r"\A(?P<steps>[^\[\]]*?(?:\[[^\[\]]*\])?)\.(?P<output>[A-Za-z_][A-Za-z0-9_-]*)\Z", re.DOTALL)
# A number as JSON writes it.
_NUMBER = re.compile(r"\A-?(?:0|[1-9][0-9]*)(?P<rest>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\Z")


@dataclass(frozen=True)
class Target:
    """What was asked for: steps or instances, and perhaps one of their outputs."""

    #: As it was written.
    text: str
    #: ``pipeline/step``, ``pipeline/step[axis=value]``, or a pattern of those.
    steps: str
    #: The name of an output; None where none was named.
    output: Optional[str]

    @staticmethod
    def parse(text: str) -> Target:
        """Never fails: whether there is such a step is for the binary to say. Throws `RungError` for an empty name."""
        if not isinstance(text, str):
            raise TypeError(f"a target is a text such as 'pipeline/step', not {type(text).__name__}")
        if not text.strip():
            raise RungError("an empty name names nothing", ["name a step: 'pipeline/step'"])
        found = _OUTPUT.match(text)
        if found is None:
            return Target(text, text, None)
        return Target(text, found["steps"], found["output"])


def step_of(instance: str) -> str:
    """``pipeline/step`` of an instance's whole name."""
    return instance.partition("[")[0]


def labels_of(instance: str) -> dict[str, str]:
    """The label of each axis, in the order of the name. Labels never hold a comma, a bracket or an equals sign."""
    inside = instance.partition("[")[2].removesuffix("]")
    pairs = (part.partition("=") for part in inside.split(",")) if inside else ()
    return {axis: label for axis, _, label in pairs}


def value_of(label: str) -> Union[int, float, str]:
    """A label that is a JSON number as a number, any other as it is, whatever the axis' other labels look like."""
    found = _NUMBER.match(label)
    if found is None:
        return label
    try:
        return float(label) if found["rest"] else int(label)
    except ValueError:  # more digits than Python reads
        return label
