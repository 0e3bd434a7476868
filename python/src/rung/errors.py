"""What can go wrong, and what is worth a warning."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Optional, Sequence


class RungError(Exception):
    """Something could not be read.

    ``str()`` of it says what happened, to what, and in indented lines what to do next.
    """

    #: What happened, and to what: a sentence, or several lines where the binary said more.
    message: str
    #: What to do next, a line each.
    hints: tuple[str, ...]
    #: The exit code of the binary (2: the request or a pipeline file is wrong; 3: the store or the machine failed);
    #: None where it was not the binary that complained.
    exit_code: Optional[int]
    #: The command as it was started; None where none was.
    command: Optional[tuple[str, ...]]

    def __init__(
        self,
        message: str,
        hints: Sequence[str] = (),
        *,
        exit_code: Optional[int] = None,
        command: Optional[Sequence[str]] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hints = tuple(hints)
        self.exit_code = exit_code
        self.command = None if command is None else tuple(command)

    def __str__(self) -> str:
        return "\n".join([self.message] + [f"  {hint}" for hint in self.hints])


class BinaryNotFoundError(RungError):
    """The program ``rung`` is not there, or cannot be started."""


class NotMadeError(RungError):
    """There is no result: the step has not run, its attempt failed, or the cache does not have the bytes any more."""


class StaleError(RungError):
    """A result is not up to date, and ``stale="error"`` was asked for."""


class StaleWarning(UserWarning):
    """What was read is a result, but not one of the files as they are now: ``rung run`` would make it anew."""


class MissingWarning(UserWarning):
    """Some instances of a step have no result and are left out of a table."""


_PACKAGE = str(Path(__file__).parent)


def warn(message: str, category: type[Warning]) -> None:
    """Warns at the place of the caller outside this package, so that each such place is told once, as usual."""
    level = 1
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)
