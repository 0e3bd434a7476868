"""From the bytes of an output to a Python value."""

from __future__ import annotations

import csv
import importlib
import io
import zipfile
import zlib
from typing import Any, Optional

from ._names import value_of
from ._numbers import parse
from .errors import RungError
from .table import Table

# What the readers throw for bytes that they cannot read.
_WRONG = (ValueError, EOFError, OSError, KeyError, csv.Error, zipfile.BadZipFile, zlib.error)


def numpy() -> Optional[Any]:
    """The module, or None where it is not installed. Imported when it is first asked for."""
    return _module("numpy")


def pandas() -> Optional[Any]:
    """The module, or None where it is not installed."""
    return _module("pandas")


def _module(name: str) -> Optional[Any]:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def frame(table: Table, wanted: Optional[bool]) -> Any:
    """The table as a pandas DataFrame, or as it is.

    - wanted: whether it must be (True), must not be (False) or is where pandas is installed (None).
    """
    if wanted is False:
        return table
    found = pandas()
    if found is None:
        if wanted:
            raise RungError("pandas is not installed", ["leave out pandas=True to get a rung.Table"])
        return table
    if not table.columns:
        return found.DataFrame(index=range(len(table)))
    return found.DataFrame({column: table[column] for column in table.columns}, columns=table.columns)


def decode(content: bytes, path: str, name: str) -> Any:
    """The value that a file holds.

    - path: what the file is called, which decides how it is read.
    - name: what it is called in errors.

    ``.json`` is a Python value, ``.csv`` a table, ``.npy`` an array and ``.npz`` a dict of arrays where numpy is
    installed (Python objects in them are refused: to read them would run code). Anything else is a str where it is
    UTF-8 without NUL, else bytes. Throws `RungError` when it does not hold what its name says.
    """
    kind = path.rpartition("/")[2].rpartition(".")[2].lower()
    try:
        if kind == "json":
            return parse(content)
        if kind == "csv":
            return frame(read_csv(content.decode("utf-8-sig")), None)
        if kind in ("npy", "npz"):
            return _arrays(content)
    except _WRONG as error:
        raise RungError(
            f"{name} is not what its name '{path}' says: {error}", ["rung.load(..., raw=True) gives its bytes"]
        ) from error
    if b"\0" in content or kind == "pdf":
        return content
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content


def read_csv(text: str) -> Table:
    """A CSV file (RFC 4180) with a line of column names. Cells that are JSON numbers are numbers, empty ones None.

    Throws ValueError when a line has more or fewer cells than there are columns, or two columns have one name.
    """
    lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    if not lines:
        return Table([])
    return Table(lines[0], [[value_of(cell) if cell else None for cell in line] for line in lines[1:]])


def _arrays(content: bytes) -> Any:
    module = numpy()
    if module is None:
        return content
    loaded = module.load(io.BytesIO(content), allow_pickle=False)
    if isinstance(loaded, module.ndarray):
        return loaded
    with loaded as archive:
        return {name: archive[name] for name in archive.files}
