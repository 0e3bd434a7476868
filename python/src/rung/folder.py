"""An output that is a folder."""

from __future__ import annotations

import re
from typing import Any, Callable, Iterator, Mapping

from .errors import RungError

_HEAD = "rung-tree 1"
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")


class Folder(Mapping[str, Any]):
    """The files and folders in an output, by their names; each is read when it is asked for.

    A file is read as `rung.load` reads one; ``raw(name)`` gives its bytes. A folder in it is a `Folder`, a symbolic
    link the str that it leads to.
    """

    def __init__(self, manifest: bytes, name: str, read: Callable[[str], bytes], load: Callable[..., Any]) -> None:
        """
        - manifest: a folder as the cache keeps it (docs/formats/store.md).
        - name: what the folder is called in errors.
        - read: gives the bytes of an object by its digest.
        - load: makes a value of bytes, the name of the file, and what it is called in errors.
        """
        self._name = name
        self._read = read
        self._load = load
        self._entries: dict[str, tuple[str, str]] = {}
        head, *lines = manifest.decode("ascii", "replace").split("\n")
        if head != _HEAD:
            raise RungError(f"{name} is a folder in a form that this package does not know: '{head[:40]}'")
        for line in lines:
            fields = line.split(" ")
            if fields[0] in ("file", "exec", "dir") and len(fields) == 4:
                self._entries[_unescaped(fields[3])] = (fields[0], fields[2])
            elif fields[0] == "link" and len(fields) == 3:
                self._entries[_unescaped(fields[2])] = ("link", _unescaped(fields[1]))

    def __getitem__(self, name: str) -> Any:
        """What is called so; ``a/b`` leads into a folder. KeyError where there is nothing of that name."""
        first, _, rest = name.partition("/")
        kind, value = self._entries[first]
        if kind == "dir":
            inner = Folder(self._object(value), f"{self._name}/{first}", self._read, self._load)
            return inner[rest] if rest else inner
        if rest:
            raise KeyError(name)
        return value if kind == "link" else self._load(self._object(value), first, f"{self._name}/{first}")

    def raw(self, name: str) -> bytes:
        """The bytes of a file. KeyError where no file is called so."""
        first, _, rest = name.partition("/")
        kind, value = self._entries[first]
        if kind == "dir" and rest:
            return Folder(self._object(value), f"{self._name}/{first}", self._read, self._load).raw(rest)
        if kind in ("dir", "link") or rest:
            raise KeyError(name)
        return self._object(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<rung.Folder {self._name!r}: {len(self)} entries>"

    def _object(self, digest: str) -> bytes:
        return self._read(digest if digest.startswith("sha256:") else f"sha256:{digest}")


def _unescaped(text: str) -> str:
    raw = bytearray()
    at = 0
    for found in _ESCAPE.finditer(text):
        raw += text[at : found.start()].encode() + bytes([int(found[1], 16)])
        at = found.end()
    return (bytes(raw) + text[at:].encode()).decode("utf-8", "surrogateescape")
