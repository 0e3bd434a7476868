"""Read the results of a Rung project: tables, artifacts, figures with their provenance, claims.

    import rung

    rung.table("double-descent/measure")                              # a row for each instance
    rung.load("double-descent/measure[width=200,seed=3].metrics")     # one output of one instance
    rung.figure("double-descent/figure.png")                          # a picture; .provenance says where it came from
    rung.claims(), rung.status()

These read the project of the current folder, `Project` reads another. Everything is asked of the program ``rung`` (the
environment's RUNG, else the one in PATH). Nothing is written, and no step runs.
"""

from __future__ import annotations

from typing import Any, Literal, Optional, overload

from .errors import (
    BinaryNotFoundError,
    MissingWarning,
    NotMadeError,
    RungError,
    StaleError,
    StaleWarning,
)
from .figure import Figure, Provenance
from .folder import Folder
from .project import Missing, Project, Stale, StrPath
from .table import Table

__version__ = "0.1.0"
__all__ = [
    "BinaryNotFoundError",
    "Figure",
    "Folder",
    "MissingWarning",
    "NotMadeError",
    "Project",
    "Provenance",
    "RungError",
    "StaleError",
    "StaleWarning",
    "Table",
    "claims",
    "figure",
    "load",
    "status",
    "table",
]


@overload
def table(target: str, *, pandas: Literal[False], stale: Stale = "warn", missing: Missing = "warn") -> Table: ...
@overload
def table(
    target: str, *, pandas: Optional[bool] = None, stale: Stale = "warn", missing: Missing = "warn"
) -> Any: ...
def table(target: str, *, pandas: Optional[bool] = None, stale: Stale = "warn", missing: Missing = "warn") -> Any:
    """`Project.table` of the current folder's project."""
    return Project().table(target, pandas=pandas, stale=stale, missing=missing)


def load(target: str, *, raw: bool = False, stale: Stale = "warn") -> Any:
    """`Project.load` of the current folder's project."""
    return Project().load(target, raw=raw, stale=stale)


def figure(target: StrPath, *, stale: Stale = "warn") -> Figure:
    """`Project.figure` of the current folder's project."""
    return Project().figure(target, stale=stale)


def claims(*claims: str, pandas: Optional[bool] = None) -> Any:
    """`Project.claims` of the current folder's project."""
    return Project().claims(*claims, pandas=pandas)


def status(*targets: str, pandas: Optional[bool] = None) -> Any:
    """`Project.status` of the current folder's project."""
    return Project().status(*targets, pandas=pandas)
