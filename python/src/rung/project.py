"""A project, and the questions that can be put to it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Iterable, Literal, Mapping, Optional, Sequence, Union, overload

from ._artifact import decode, frame
from ._binary import Binary
from ._names import Target, step_of
from ._results import Output, Result, content_of, output_of, results
from ._tidy import assembled, document_rows, number_rows
from .errors import MissingWarning, NotMadeError, RungError, StaleError, StaleWarning, warn
from .figure import Figure, Provenance
from .folder import Folder
from .table import Table

StrPath = Union[str, "os.PathLike[str]"]
#: What to do about a result that is not up to date: warn (`StaleWarning`), raise `StaleError`, or nothing.
Stale = Literal["warn", "error", "ignore"]
#: What to do about instances without a result: warn (`MissingWarning`) and leave them out, raise `NotMadeError`, or
#: just leave them out.
Missing = Literal["warn", "error", "ignore"]


class Project:
    """The results of a project, to be read.

    Everything is asked of the program ``rung``, which runs no step for it and changes no result. Nothing is remembered
    between calls: each tells how things stand when it is made.
    """

    def __init__(
        self,
        path: StrPath = ".",
        *,
        binary: Optional[StrPath] = None,
        profile: Optional[str] = None,
        parameters: Optional[Mapping[str, Any]] = None,
        over: Optional[Mapping[str, Iterable[Any]]] = None,
    ) -> None:
        """
        - path: the project's folder, or one below it; a step of the pipeline there needs no ``pipeline/`` before it.
        - binary: the program, a path or a name in PATH; without it the environment's RUNG, then ``rung``.
        - profile, parameters, over: as ``--profile``, ``--set`` and ``--over`` of ``rung run``: to read what that made.

        Throws `RungError` when the folder is in no project.
        """
        self.folder = Path(path).expanduser().absolute()
        self.root = _root(self.folder)
        options: list[str] = [] if profile is None else [f"--profile={profile}"]
        for name, value in (parameters or {}).items():
            options.append(f"--set={name}={value if isinstance(value, str) else json.dumps(value)}")
        for axis, labels in (over or {}).items():
            options.append(f"--over={axis}={','.join(str(label) for label in labels)}")
        self._binary = Binary(self.folder, options, binary)

    def __repr__(self) -> str:
        return f"rung.Project({str(self.folder)!r})"

    # Tables

    @overload
    def table(
        self, target: str, *, pandas: Literal[False], stale: Stale = "warn", missing: Missing = "warn"
    ) -> Table: ...
    @overload
    def table(
        self, target: str, *, pandas: Optional[bool] = None, stale: Stale = "warn", missing: Missing = "warn"
    ) -> Any: ...
    def table(
        self, target: str, *, pandas: Optional[bool] = None, stale: Stale = "warn", missing: Missing = "warn"
    ) -> Any:
        """A step's results as a tidy table: a column for each axis, then one for each value.

        ``table("pipeline/step")`` has a row for each instance and the numbers in its JSON outputs. A number ``b`` in
        ``a`` is the column ``a.b``; lists, texts and truth values are left out. ``table("pipeline/step.output")`` has
        all values of one JSON output, lists as lists, and an output that is a list of objects gives a row for each of
        them. It reads instance by instance: some 20 ms for each, where the first form takes a second for hundreds.

        - target: a step, or some of its instances: ``pipeline/step[width=200]``.
        - pandas: True for a DataFrame, False for a `Table`; without it a DataFrame where pandas is installed.
        - stale: what to do about results that are not up to date.
        - missing: what to do about instances that have no result; where none has one it is always an error.

        A name that an axis or another output has, too, gets its output's name before it: ``metrics.width``. An axis
        with fields (``zip``) has a column for its label and one for each field that the step uses. A label that is a
        JSON number is a number. A value that a row lacks is None, NaN in a DataFrame.

        Throws `NotMadeError`, `StaleError`, and `RungError` when the target is not one step.
        """
        asked = Target.parse(target)
        found = results(self._binary, asked.steps)
        steps = list(dict.fromkeys(step_of(result.instance) for result in found))
        if len(steps) > 1:
            raise RungError(f"'{target}' is {len(steps)} steps, and a table is of one", [f"name one: '{steps[0]}'"])
        made = self._made(found, asked.steps, stale, missing)
        if asked.output is None:
            rows = number_rows(self._binary, steps[0], made)
        else:
            rows = document_rows(self._binary, asked.output, made)
        return frame(assembled(rows, made), pandas)

    # Artifacts

    def load(self, target: str, *, raw: bool = False, stale: Stale = "warn") -> Any:
        """An output of one instance: ``load("double-descent/fit[width=200,seed=3].metrics")``.

        ``.json`` is a Python value, ``.csv`` a table, ``.npy`` an array and ``.npz`` a dict of arrays where numpy is
        installed; any other file a str where it is UTF-8, else bytes. A folder is a `Folder`.

        - target: the output may be left out where there is one only, the brackets where there is one instance only.
        - raw: give the bytes of a file, whatever it is.

        Throws `NotMadeError`, `StaleError`, and `RungError` when the target is not one output of one instance, or the
        file does not hold what its name says.
        """
        asked = Target.parse(target)
        output = self._one(asked, stale)[1]
        name = str(output)
        if output.kind == "tree":
            if raw:
                raise RungError(f"{name} is a folder", ["rung.load(...).raw(NAME) gives the bytes of a file in it"])
            return Folder(content_of(self._binary, output), name, self._binary.content, decode)
        content = content_of(self._binary, output)
        return content if raw else decode(content, output.path, name)

    def figure(self, target: StrPath, *, stale: Stale = "warn") -> Figure:
        """A picture: an output of one instance (``pipeline/step.output``), or a file that a step published.

        - target: a text is the path of a file where there is such a file, from the current folder, the project's folder
          or its root; else the name of an output.

        Throws `NotMadeError`, `StaleError`, and `RungError` when it is no picture, or no step has made it.
        """
        path = self._file(target)
        if path is not None:
            return self._published(path, stale)
        if not isinstance(target, str):
            raise RungError(f"there is no file '{os.fspath(target)}'")
        result, output = self._one(Target.parse(target), stale)
        content = content_of(self._binary, output)

        def trace() -> tuple[Provenance, Optional[Path]]:
            return self._traced(self._binary.trace(content), output.digest, result.instance, output.name)

        return Figure(target, content, None, trace)

    def _file(self, target: StrPath) -> Optional[Path]:
        text = os.path.expanduser(os.fspath(target))
        for folder in (Path.cwd(), self.folder, self.root):
            try:
                if (folder / text).is_file():
                    return folder / text
            except (OSError, ValueError):
                return None
        return None

    def _published(self, path: Path, stale: Stale) -> Figure:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise RungError(f"'{path}' cannot be read: {error.strerror}") from error
        trace = self._binary.json("trace", operands=[str(path)])
        if not trace.get("output"):
            raise RungError(f"no step has made '{path}'", ["`rung trace` tells of the figures in a document"])
        # Of several that made the same bytes, the one that this file was published for.
        place = os.path.relpath(os.path.realpath(path), os.path.realpath(self.root))
        makers = [trace["output"], *trace.get("also_made_by", ())]
        maker = next((maker for maker in makers if maker.get("published") == place), makers[0])
        instance, output, digest = str(maker["instance"]), str(maker["name"]), str(trace["digest"])
        figure = Figure(
            str(path), content, path, lambda: (self._traced(trace, digest, instance, output)[0], path)
        )
        self._check_stale([(instance, self._staleness(instance, output, digest))], instance, stale)
        return figure

    def _staleness(self, instance: str, output: str, digest: str) -> Optional[str]:
        try:
            found = [result for result in results(self._binary, instance) if result.instance == instance]
        except RungError as error:
            if error.exit_code != 2:
                raise
            found = []
        if not found or found[0].outputs is None or output not in found[0].outputs:
            return "the pipeline has no such result now"
        if found[0].outputs[output].digest != digest:
            return "its step has made another one since"
        return found[0].stale

    def _traced(
        self, trace: Mapping[str, Any], digest: str, instance: str, output: str
    ) -> tuple[Provenance, Optional[Path]]:
        # The same bytes may have been made by several, and it is this one's making that is wanted.
        makers = [trace["output"], *trace.get("also_made_by", ())]
        maker = next((maker for maker in makers if (maker["instance"], maker["name"]) == (instance, output)), None)
        place = None if maker is None or not maker.get("published") else self.root / maker["published"]
        if maker is not trace["output"]:
            name = instance
            trace = dict(self._binary.json("trace", operands=[name], away=True))
            others = [other for other in makers if other is not maker]
            record = trace["output"]["record"]
            published = maker.get("published") if maker else None
            made = {"instance": instance, "name": output, "record": record, "published": published}
            trace.update(digest=digest, output=made, also_made_by=others)
        return Provenance(trace), place if place is not None and place.is_file() else None

    # How things stand

    def claims(self, *claims: str, pandas: Optional[bool] = None) -> Any:
        """The claims of pipelines (all without any), a row for each: predicted, measured, verdict.

        - claims: pipelines, or PIPELINE/CLAIM.

        ``low`` and ``high`` are the ends of the 95 % interval; ``current`` is False for one that was judged on results
        that are not up to date. Nothing is judged here: ``rung run`` does that.
        """
        answer = self._binary.json("claims", operands=claims, allowed=(0, 1))
        columns = "pipeline name says predicted measured low high n tolerance verdict expected as_expected".split()
        columns += ["current", "problem"]
        rows = []
        for claim in answer["claims"]:
            low, high = claim.get("interval") or (None, None)
            rows.append([{**claim, "low": low, "high": high}.get(column) for column in columns])
        return frame(Table(columns, rows), pandas)

    def status(self, *targets: str, pandas: Optional[bool] = None) -> Any:
        """How far the steps (all without any) are up to date, a row for each, in the numbers of their instances."""
        answer = self._binary.json("status", operands=targets)
        first = "step kind instances current would_run undecided failed".split()
        return frame(Table.of(answer["steps"], first), pandas)

    # One result, or all of them

    def _one(self, asked: Target, stale: Stale) -> tuple[Result, Output]:
        found = results(self._binary, asked.steps)
        if len(found) != 1:
            suffix = f".{asked.output}" if asked.output else ""
            raise RungError(
                f"'{asked.text}' is {len(found)} instances",
                [
                    f"name one of them, for example '{found[-1].instance}{suffix}'",
                    "rung.table(...) reads the numbers of all of them",
                ],
            )
        result = self._made(found, asked.steps, stale, "error")[0]
        return result, output_of(result, asked.output)

    def _made(self, found: Sequence[Result], steps: str, stale: Stale, missing: Missing) -> list[Result]:
        made = [result for result in found if result.outputs is not None]
        lacking = [result for result in found if result.outputs is None]
        if lacking:
            failed = next((result for result in lacking if result.problem), None)
            if len(found) == 1:
                message = f"'{lacking[0].instance}' has no result yet"
            else:
                message = f"{len(lacking)} of the {len(found)} instances of '{steps}' have no result yet"
            hints = [f"`rung run '{steps}'` makes {'it' if len(found) == 1 else 'them'}"]
            if failed is not None:
                hints.append(f"{failed.instance} failed when it was last tried: {failed.problem}")
                hints.append(f"`rung log '{failed.instance}'` shows what it printed")
            error = NotMadeError(message, hints)
            if not made or missing == "error":
                raise error
            if missing == "warn":
                warn(f"{error}", MissingWarning)
        self._check_stale([(result.instance, result.stale) for result in made], steps, stale)
        return made

    @staticmethod
    def _check_stale(states: Sequence[tuple[str, Optional[str]]], steps: str, stale: Stale) -> None:
        old = [(instance, why) for instance, why in states if why is not None]
        if not old or stale == "ignore":
            return
        instance, why = old[0]
        if len(states) == 1:
            message = f"the result of '{instance}' is not up to date: {why}"
        else:
            message = f"{len(old)} of {len(states)} results of '{steps}' are not up to date; {instance}: {why}"
        hints = [f"`rung run '{steps}'` brings it up to date", f"`rung why '{instance}'` tells more"]
        error = StaleError(message, hints)
        if stale == "error":
            raise error
        warn(f"{error}", StaleWarning)


def _root(folder: Path) -> Path:
    for place in (folder, *folder.parents):
        if (place / "rung.yaml").exists() or (place / "pipelines").exists():
            return place
    raise RungError(
        f"'{folder}' is not in a Rung project: no folder upwards has a rung.yaml or a pipelines folder",
        ["rung.Project(PATH) takes another folder than the current one"],
    )
