"""The newest result of each instance of a step, and whether it is one of the files as they are now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Optional

from ._binary import Binary
from ._names import labels_of, step_of
from .errors import NotMadeError, RungError

# The fields of a reason that speak of the key (docs/formats/json.md of Rung).
_KEY_FIELDS = frozenset(
    "command shell network parameter axis input output variable secret resource program environment".split()
    + ["claim", "lineage"]
)
_OLDER = "its last attempt gave no result; this is the one before"


@dataclass(frozen=True)
class Output:
    """What an instance made."""

    #: The whole name of the instance.
    instance: str
    name: str
    #: Where it lay in the workspace: its suffix says how to read it.
    path: str
    #: ``file``, ``executable`` or ``tree``; None where it is not known.
    kind: Optional[str]
    digest: str
    #: In bytes.
    size: int

    def __str__(self) -> str:
        return f"'{self.name}' of {self.instance}"


@dataclass(frozen=True)
class Result:
    """How an instance stands."""

    #: The whole name.
    instance: str
    #: What it made last, by name; None when there is no result.
    outputs: Optional[Mapping[str, Output]]
    #: Why that is not a result of the files as they are now; None when it is.
    stale: Optional[str]
    #: Why there is no result, or ''.
    problem: str
    #: The text of each field of an axis that has fields, as far as the step uses them: ``setting.lr``.
    fields: Mapping[str, str]


def results(binary: Binary, steps: str) -> list[Result]:
    """Of everything that `steps` names, in the order of the axes. Throws `RungError` when it names nothing.

    Takes two processes, and one more when a last attempt failed, however many instances there are.
    """
    for attempt in (1, 2):
        standings = binary.json("why", operands=[steps])["instances"]
        if not standings:
            raise RungError(
                f"nobody knows yet which instances '{steps}' has: another step gives their axis its values",
                [f"`rung run '{steps}'` finds out"],
            )
        wanted = {entry["last"]["record"] for entry in standings if entry["last"] and entry["last"]["record"]}
        records = _records(binary, steps) if wanted else {}
        if wanted <= records.keys():
            break  # else a run came between the two questions, or a record is lost
    earlier = _earlier(binary, standings, records)
    return [_result(entry, records, earlier) for entry in standings]


def _records(binary: Binary, steps: str) -> dict[str, Any]:
    shown = binary.json("show", operands=[steps])
    return {record["record"]: record for record in (shown if isinstance(shown, list) else [shown])}


def _earlier(
    binary: Binary, standings: Iterable[Mapping[str, Any]], records: Mapping[str, Any]
) -> dict[str, dict[str, Output]]:
    # Of those whose last attempt gave nothing, what the one before gave that did.
    wanting = {
        entry["instance"]
        for entry in standings
        if entry["last"] and records.get(entry["last"]["record"], {}).get("outcome") != "succeeded"
    }
    found: dict[str, dict[str, Output]] = {}
    for step in sorted({step_of(instance) for instance in wanting}):
        for entry in binary.json("history", operands=[step], away=True)["entries"]:
            if entry["instance"] in wanting and entry["outputs"] and not entry["problem"]:
                found.setdefault(entry["instance"], _outputs(entry["instance"], entry["outputs"]))
    return found


def _outputs(instance: str, members: Iterable[Mapping[str, Any]]) -> dict[str, Output]:
    return {
        made["name"]: Output(instance, made["name"], made["path"], made.get("kind"), made["digest"], made["size"])
        for made in members
    }


def _result(
    entry: Mapping[str, Any], records: Mapping[str, Any], earlier: Mapping[str, Mapping[str, Output]]
) -> Result:
    instance, last = entry["instance"], entry["last"]
    record = records.get(last["record"]) if last else None
    if record is None or record["outcome"] != "succeeded":
        problem = "" if record is None else record["problem"] or record["outcome"]
        before = earlier.get(instance)
        return Result(instance, before, None if before is None else _OLDER, problem, _fields(instance, record))
    outputs = _outputs(instance, record["outputs"])
    return Result(instance, outputs, _staleness(entry, record), "", _fields(instance, record))


def _fields(instance: str, record: Optional[Mapping[str, Any]]) -> dict[str, str]:
    axes = labels_of(instance)
    return {
        field["name"]: field["value"]
        for field in (record["fields"] if record else ())
        if field["kind"] == "axis" and field["value"] is not None and field["name"].partition(".")[0] in axes
        and "." in field["name"]
    }


def _staleness(entry: Mapping[str, Any], record: Mapping[str, Any]) -> Optional[str]:
    reasons = entry["reasons"]
    if entry["standing"] != "current":
        words = ", ".join(dict.fromkeys(filter(None, map(_words, reasons[:3]))))
        how = "would run again" if entry["standing"] == "would-run" else "may run again"
        return f"{how}: {words}" if words else how
    if entry.get("accepted"):
        return None
    # The reasons of one that is up to date are for how its last result came about, or, after changes that were taken
    # back, for how that differs from the result that is up to date. The last record tells which.
    if all(_agrees(reason, record["fields"]) for reason in reasons):
        return None
    return "an earlier result became up to date again, and no run has taken it up since"


def _words(reason: Mapping[str, Any]) -> str:
    field, name = reason["field"], reason["name"]
    if field == "upstream":
        return f"{name} would run"
    if field in ("record", "failure", "others", "force"):
        return ""
    return f"{field} {name}".strip() + (" is lost" if field == "object" else " changed")


def _agrees(reason: Mapping[str, Any], fields: Iterable[Mapping[str, Any]]) -> bool:
    if reason["field"] not in _KEY_FIELDS:
        return True
    same = [field for field in fields if (field["kind"], field["name"]) == (reason["field"], reason["name"])]
    if reason["new"] is None:
        # One of several without a name may be gone.
        return not same or all(reason["old"] not in (field["value"], field["digest"]) for field in same)
    return any(reason["new"] in (field["value"], field["digest"]) for field in same)


def output_of(result: Result, name: Optional[str]) -> Output:
    """The output of that name; without a name the only one. Throws `RungError` when there is no such one."""
    outputs = result.outputs or {}
    if name is None and len(outputs) == 1:
        return next(iter(outputs.values()))
    if name is not None and name in outputs:
        return outputs[name]
    names = ", ".join(f"'{output}'" for output in outputs)
    if name is None:
        example = next(iter(outputs), None)
        message = f"{result.instance} has {len(outputs)} outputs" + (f": {names}" if names else "")
        raise RungError(message, [f"name one: '{result.instance}.{example}'"] if example else [])
    raise RungError(f"{result.instance} has no output '{name}'", [f"its outputs are {names}"] if names else [])


def content_of(binary: Binary, output: Output) -> bytes:
    """Its bytes; of a folder its manifest. Throws `NotMadeError` when the cache does not have them any more."""
    try:
        return binary.content(output.digest)
    except RungError as error:
        if error.exit_code != 2:
            raise
        raise NotMadeError(
            f"the bytes of {output} are not in the cache any more: {error.message}",
            [f"`rung run '{output.instance}'` makes them again"],
            exit_code=error.exit_code,
            command=error.command,
        ) from error
