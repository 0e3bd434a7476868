"""Pictures that steps made, and where they came from."""

from __future__ import annotations

import base64
import html
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Optional

from .errors import RungError
from .table import printable

_HINT = "rung.load(...) reads what is no picture"


class Provenance(Mapping[str, Any]):
    """All that stands behind a figure: what ``rung trace --json`` says, as a mapping of its members.

    docs/formats/json.md of Rung tells what they are. The attributes are the ones that are asked for most.
    """

    def __init__(self, trace: Mapping[str, Any]) -> None:
        self._trace = dict(trace)

    @property
    def instance(self) -> str:
        """The step instance that made it."""
        return str(self._trace["output"]["instance"])

    @property
    def output(self) -> str:
        """The name of the output."""
        return str(self._trace["output"]["name"])

    @property
    def commit(self) -> Optional[str]:
        """The git commit that the project was at; None outside git."""
        return self._optional("commit")

    @property
    def watch(self) -> Optional[str]:
        """How far the least watched step on its path was watched: ``declared``, ``traced`` or ``strict``."""
        return self._optional("watch")

    @property
    def complete(self) -> bool:
        """Whether everything behind it was found."""
        return bool(self._trace.get("complete"))

    @property
    def steps(self) -> list[dict[str, Any]]:
        """Every execution on its path, makers first."""
        return list(self._trace.get("steps", ()))

    @property
    def sources(self) -> list[dict[str, Any]]:
        """Every file that came from outside: ``path``, ``digest``, ``kind``, ``used_by``."""
        return list(self._trace.get("sources", ()))

    def _optional(self, name: str) -> Optional[str]:
        value = self._trace.get(name)
        return None if value is None else str(value)

    def __getitem__(self, name: str) -> Any:
        return self._trace[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._trace)

    def __len__(self) -> int:
        return len(self._trace)

    def _lines(self) -> list[tuple[str, str]]:
        steps: dict[str, int] = {}
        for step in self.steps:
            name = f"{step.get('pipeline')}/{step.get('step')}"
            steps[name] = steps.get(name, 0) + 1
        dirty = " with uncommitted changes" if self._trace.get("dirty") else ""
        lines = [("made by", f"{self.output} of {self.instance}")]
        if self.commit:
            lines.append(("commit", self.commit + dirty))
        lines += [("step", name if count == 1 else f"{name} ({count} instances)") for name, count in steps.items()]
        lines += [("source", f"{source.get('path')}  {source.get('digest')}") for source in self.sources]
        lines.append(("watched", str(self.watch)))
        if not self.complete:
            lines.append(("incomplete", f"{len(self._trace.get('incomplete', ()))} things behind it were not found"))
        return lines

    def __repr__(self) -> str:
        return "\n".join(f"{what:<10}  {printable(text)}" for what, text in self._lines())

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{html.escape(a)}</th><td>{html.escape(b)}</td></tr>" for a, b in self._lines())
        return f"<table>{rows}</table>"


class Figure:
    """A picture that shows itself in a notebook.

    An SVG is shown as an image in a data address: a browser runs no script in an image, and loads nothing for it.
    """

    #: The name that it was asked for by.
    name: str
    #: The bytes of the file.
    data: bytes
    #: ``image/png``, ``image/svg+xml``, ``image/jpeg`` or ``application/pdf``.
    media_type: str

    def __init__(
        self, name: str, data: bytes, path: Optional[Path], trace: Callable[[], tuple[Provenance, Optional[Path]]]
    ) -> None:
        """
        - path: where the file lies; None when only `trace` may know.
        - trace: finds out what made it and where it was published to; called once at most.

        Throws `RungError` when it is no picture.
        """
        self.name = name
        self.data = data
        self.media_type = _media_type(data, name)
        self._path = path
        self._trace = trace
        self._traced: Optional[tuple[Provenance, Optional[Path]]] = None

    def _known(self) -> tuple[Provenance, Optional[Path]]:
        if self._traced is None:
            self._traced = self._trace()
        return self._traced

    @property
    def provenance(self) -> Provenance:
        """All that stands behind it. Asks the binary the first time."""
        return self._known()[0]

    @property
    def path(self) -> Optional[Path]:
        """Where it was published to; None when it was not, or the file is not there. Asks the binary the first time."""
        return self._path or self._known()[1]

    def _repr_png_(self) -> Optional[bytes]:
        return self.data if self.media_type == "image/png" else None

    def _repr_jpeg_(self) -> Optional[bytes]:
        return self.data if self.media_type == "image/jpeg" else None

    def _repr_svg_(self) -> Optional[str]:
        """Nothing, ever: a notebook would put the SVG into its page, where scripts in it run. See `_repr_html_`."""
        return None

    def _repr_html_(self) -> Optional[str]:
        if self.media_type != "image/svg+xml":
            return None
        coded = base64.b64encode(self.data).decode("ascii")
        return f'<img src="data:image/svg+xml;base64,{coded}" alt="{html.escape(self.name)}" style="max-width:100%">'

    def __repr__(self) -> str:
        return f"<rung.Figure {self.name!r}: {self.media_type}, {len(self.data)} bytes>"


def _media_type(data: bytes, name: str) -> str:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<svg") or (start.startswith((b"<?xml", b"<!--", b"<!DOCTYPE svg")) and b"<svg" in data):
        return "image/svg+xml"
    raise RungError(f"{name} is no picture: neither PNG, SVG, JPEG nor PDF", [_HINT])
