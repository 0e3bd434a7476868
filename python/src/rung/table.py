"""A small table for where pandas is not."""

from __future__ import annotations

import html
from typing import Any, Iterator, Mapping, Sequence, Union, overload


class Table:
    """Rows of values under named columns; what pandas would hold in a DataFrame.

    A value that a row lacks is None. It shows itself in a notebook as an HTML table in which every text is escaped, and
    in a terminal as aligned text in which control characters are spelt out and long texts are cut.
    """

    #: The names of the columns, each once.
    columns: list[str]
    #: The rows, each as long as `columns`.
    rows: list[list[Any]]

    #: So many rows are shown; all are there.
    SHOWN = 60

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[Any]] = ()) -> None:
        self.columns = list(columns)
        self.rows = [list(row) for row in rows]
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("two columns have the same name")
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"every row must have {len(self.columns)} values")

    @staticmethod
    def of(records: Sequence[Mapping[str, Any]], first: Sequence[str] = ()) -> Table:
        """A table of mappings: the columns `first`, then the others in the order in which they appear."""
        columns = dict.fromkeys(first)
        for record in records:
            columns.update(dict.fromkeys(record))
        return Table(list(columns), [[record.get(column) for column in columns] for record in records])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.columns, row)) for row in self.rows)

    @overload
    def __getitem__(self, what: str) -> list[Any]: ...
    @overload
    def __getitem__(self, what: int) -> dict[str, Any]: ...
    def __getitem__(self, what: Union[str, int]) -> Union[list[Any], dict[str, Any]]:
        """A column by its name, or a row by its number."""
        if isinstance(what, str):
            if what not in self.columns:
                raise KeyError(what)
            place = self.columns.index(what)
            return [row[place] for row in self.rows]
        return dict(zip(self.columns, self.rows[what]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and (self.columns, self.rows) == (other.columns, other.rows)

    __hash__ = None  # type: ignore[assignment]

    def where(self, **values: Any) -> Table:
        """The rows that have these values: ``table.where(width=200)``."""
        places = [(self.columns.index(name), value) for name, value in values.items() if self._has(name)]
        return Table(self.columns, [row for row in self.rows if all(row[at] == value for at, value in places)])

    def _has(self, name: str) -> bool:
        if name not in self.columns:
            raise KeyError(name)
        return True

    def __repr__(self) -> str:
        if not self.columns:
            return f"({len(self.rows)} rows without columns)"
        shown = [[_cut(_text(value)) for value in row] for row in self.rows[: self.SHOWN]]
        lines = [[_cut(column) for column in self.columns], *shown]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.columns))]
        text = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths)) for line in lines]
        if len(self.rows) > self.SHOWN:
            text.append(f"… {len(self.rows) - self.SHOWN} more rows")
        return "\n".join(text)

    def _repr_html_(self) -> str:
        def row(tag: str, cells: Sequence[str]) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        head = row("th", self.columns)
        body = "".join(row("td", [_text(value) for value in values]) for values in self.rows[: self.SHOWN])
        rest = len(self.rows) - self.SHOWN
        note = f"<p>… {rest} more rows</p>" if rest > 0 else ""
        return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>{note}"


def printable(text: str) -> str:
    """The text in one line, with what would steer a terminal spelt out."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _cut(text: str) -> str:
    return printable(text if len(text) <= 60 else text[:59] + "…")


def _text(value: Any) -> str:
    return "" if value is None else str(value)
