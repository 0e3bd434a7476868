"""From the results of a step to a tidy table."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterable, Mapping, NamedTuple, Sequence

from ._artifact import decode
from ._binary import Binary
from ._names import labels_of, value_of
from ._numbers import Number, names_of, numbers, patterns, places
from ._results import Output, Result, content_of, output_of
from .errors import RungError
from .table import Table

# From so many documents on, one question for all numbers of a step is quicker than one for each document.
_FEW = 8


class Row:
    """A row that has no column names yet: values by output and place."""

    def __init__(self, result: Result, values: Mapping[tuple[str, str], Any]) -> None:
        self.result = result
        self.values = values


def number_rows(binary: Binary, step: str, made: Sequence[Result]) -> list[Row]:
    """The numbers in the JSON outputs of a step's instances, a row for each."""
    outputs = {output.digest: output for result in made for output in _json_outputs(result)}
    known = _numbers_of(binary, step, list(outputs.values()))
    return [
        Row(
            result,
            {
                (output.name, pointer): number
                for output in _json_outputs(result)
                for pointer, number in known[output.digest].items()
            },
        )
        for result in made
    ]


def _numbers_of(binary: Binary, step: str, outputs: Sequence[Output]) -> dict[str, dict[str, Number]]:
    found: dict[str, dict[str, Number]] = {}
    if len(outputs) > _FEW:
        found = _numbers_at_once(binary, step, {output.digest for output in outputs})
    rest = [output for output in outputs if output.digest not in found]
    for output, document in zip(rest, _documents(binary, rest)):
        found[output.digest] = numbers(document)
    return found


def _numbers_at_once(binary: Binary, step: str, digests: set[str]) -> dict[str, dict[str, Number]]:
    # The history of a step has the numbers in all its outputs, those in lists among them, without saying what is a
    # list. Of documents that are alike in the places of their numbers, one is read to see.
    groups: dict[frozenset[str], list[_Told]] = {}
    seen: set[str] = set()
    for entry in binary.json("history", operands=[step], away=True)["entries"]:
        for made in entry["outputs"]:
            told, digest = made["numbers"], made["digest"]
            if digest not in digests or digest in seen or told is None or None in told.values():
                continue  # null stands for NaN and for the infinities
            seen.add(digest)
            alike = patterns(told)
            output = Output(entry["instance"], made["name"], made["path"], None, digest, made["size"])
            groups.setdefault(frozenset(alike.values()), []).append(_Told(output, told, alike))
    doubtful = [kind for kind in groups if any("*" in pattern for pattern in kind)]
    examples = _documents(binary, [groups[kind][0].output for kind in doubtful])
    in_lists: dict[frozenset[str], set[str]] = {}
    for kind, document in zip(doubtful, examples):
        outside = numbers(document)
        in_lists[kind] = {pattern for pointer, pattern in groups[kind][0].patterns.items() if pointer not in outside}
    return {
        member.output.digest: {
            pointer: number
            for pointer, number in member.numbers.items()
            if member.patterns[pointer] not in in_lists.get(kind, ())
        }
        for kind, members in groups.items()
        for member in members
    }


class _Told(NamedTuple):
    """What a history tells of an output: its numbers by their pointers, and the pattern of each pointer."""

    output: Output
    numbers: Mapping[str, Number]
    patterns: Mapping[str, str]


def document_rows(binary: Binary, name: str, made: Sequence[Result]) -> list[Row]:
    """Everything in one JSON output, a row for each instance, or for each object in its list of objects.

    Reads every document by itself. Throws `RungError` when the output is not there, or no JSON.
    """
    outputs = [output_of(result, name) for result in made]
    for output in outputs:
        if not _is_json(output):
            raise RungError(
                f"the output '{name}' is '{output.path}', and only a JSON output can be a table",
                ["rung.load(...) reads others, one by one"],
            )
    unique = {output.digest: output for output in outputs}
    documents = dict(zip(unique, _documents(binary, list(unique.values()))))
    rows = []
    for result, output in zip(made, outputs):
        document = documents[output.digest]
        is_list = isinstance(document, list) and document and all(isinstance(part, dict) for part in document)
        for part in document if is_list else [document]:
            rows.append(Row(result, {(name, pointer): value for pointer, value in places(part)}))
    return rows


def _documents(binary: Binary, outputs: Sequence[Output]) -> list[Any]:
    def read(output: Output) -> Any:
        return decode(content_of(binary, output), output.path, str(output))

    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(read, outputs))


def assembled(rows: Sequence[Row], made: Sequence[Result]) -> Table:
    """The rows with the axes of their instances before them."""
    axes: dict[str, None] = {}
    fields: dict[str, None] = {}
    for result in made:
        axes.update(dict.fromkeys(labels_of(result.instance)))
        fields.update(dict.fromkeys(result.fields))
    # A field is called as the pipeline calls it, unless something else is called so, too.
    short = [name.partition(".")[2] for name in fields]
    headings = {
        name: plain if plain not in axes and short.count(plain) == 1 else name for name, plain in zip(fields, short)
    }
    first = [*axes, *headings.values()]
    names = _column_names([key for row in rows for key in row.values], first)
    records = []
    for row in rows:
        record: dict[str, Any] = {axis: value_of(label) for axis, label in labels_of(row.result.instance).items()}
        record.update({headings[name]: value_of(text) for name, text in row.result.fields.items()})
        record.update({names[key]: value for key, value in row.values.items()})
        records.append(record)
    return Table.of(records, first)


def _column_names(keys: Iterable[tuple[str, str]], taken: Sequence[str]) -> dict[tuple[str, str], str]:
    """A name for each output and place in it, no two alike and none as in `taken`.

    It is the place's names with dots between them; with the output's name before it where others are called so, too;
    and OUTPUT#POINTER where that does not tell them apart either.
    """
    dotted = {key: ".".join(names_of(key[1])) if key[1] else "value" for key in keys}
    qualified = {key: f"{key[0]}.{name}" for key, name in dotted.items()}
    exact = {key: f"{key[0]}#{key[1]}" for key in dotted}
    names = dotted
    for better in (qualified, exact):
        counts = Counter(names.values())
        counts.update(taken)
        names = {key: name if counts[name] == 1 else better[key] for key, name in names.items()}
    used = set(taken)
    for key, name in names.items():
        while names[key] in used:
            names[key] += "'"
        used.add(names[key])
    return names


def _json_outputs(result: Result) -> list[Output]:
    return [output for output in (result.outputs or {}).values() if _is_json(output)]


def _is_json(output: Output) -> bool:
    return output.kind != "tree" and output.path.endswith(".json")
