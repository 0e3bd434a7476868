"""From JSON documents to the cells of a tidy table.

A place in a document is a JSON Pointer (RFC 6901) that leads through objects only: ``/test/loss``. A list is one value,
whatever is in it.
"""

from __future__ import annotations

import json
from typing import Any, Iterable, Iterator, Union

Number = Union[int, float]


def places(document: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no object, with its place, in the order of the document; lists are values."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield from places(value, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    else:
        yield pointer, document


def numbers(document: Any) -> dict[str, Number]:
    """The numbers in a document by their places. A truth value is no number."""
    return {
        pointer: value
        for pointer, value in places(document)
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def names_of(pointer: str) -> tuple[str, ...]:
    """The names that a pointer leads through."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def patterns(pointers: Iterable[str]) -> dict[str, str]:
    """Each pointer with the place in it of what looks like a list written as ``*``.

    ``pointers`` are all those to numbers in one document, also in lists. What looks like a list is a value whose
    members are called 0, 1, 2 and so on without a gap; it may be an object all the same. So documents that differ only
    in how long their lists are have the same set of patterns.
    """
    pointers = list(pointers)
    members: dict[str, set[str]] = {}
    for pointer in pointers:
        parts = pointer.split("/")
        for end in range(1, len(parts)):
            members.setdefault("/".join(parts[:end]), set()).add(parts[end])
    listlike = {place for place, names in members.items() if names == {str(index) for index in range(len(names))}}

    def pattern(pointer: str) -> str:
        parts = pointer.split("/")
        return "/".join(
            "*" if end > 0 and "/".join(parts[:end]) in listlike else part for end, part in enumerate(parts)
        )

    return {pointer: pattern(pointer) for pointer in pointers}


def parse(content: bytes) -> Any:
    """A JSON document; NaN and infinities as Python writes them are taken. Throws ValueError."""
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error

