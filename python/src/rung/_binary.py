"""The one place that starts the program ``rung``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import IO, Any, Optional, Sequence, Union

from .errors import BinaryNotFoundError, RungError


class Binary:
    """The program ``rung`` in one project.

    Only verbs that answer questions are called. Each call starts a process of its own: a caller asks once for a whole
    step, not once for each instance.
    """

    def __init__(
        self, folder: Path, options: Sequence[str] = (), program: Optional[Union[str, os.PathLike[str]]] = None
    ) -> None:
        """
        - folder: the project, or a folder in it.
        - options: what goes with every question that depends on the pipeline files, such as ``--profile smoke``.
        - program: a path, or a name to look for in PATH; without it the environment's RUNG, then ``rung``. It is looked
          for when it is first needed.
        """
        self._folder = folder
        self._options = tuple(options)
        self._program = None if program is None else os.fspath(program)

    def path(self) -> str:
        """The program's path. Throws `BinaryNotFoundError`."""
        name = self._program or os.environ.get("RUNG") or "rung"
        found = shutil.which(os.path.expanduser(name))
        if found is None:
            raise BinaryNotFoundError(
                f"the program '{name}' was not found",
                ["name it: rung.Project(path, binary=...), or the environment variable RUNG, or put it into PATH"],
            )
        return os.path.abspath(found)

    def json(self, *verb: str, operands: Sequence[str] = (), allowed: Sequence[int] = (0,), away: bool = False) -> Any:
        """What a verb prints with ``--json``.

        - operands: never taken for options, whatever they begin with.
        - allowed: exit codes that come with an answer.
        - away: run it where no file is called like the first operand, which would be taken for that file otherwise.
        """
        command = [self.path(), *verb, "--json", "-C", str(self._folder), *self._options, "--", *operands]
        done = self._run(command, allowed, self._away(operands[0]) if away else None)
        return self._parse(done.stdout, command)

    def trace(self, content: bytes) -> Any:
        """What ``rung trace --json`` says of some bytes."""
        command = [self.path(), "trace", "--json", "-C", str(self._folder), "--", "/dev/stdin"]
        # A file in memory: the verb wants a file, and nothing is to be written.
        with open(os.memfd_create("figure"), "w+b") as file:
            file.write(content)
            file.seek(0)
            return self._parse(self._run(command, (0,), None, file).stdout, command)

    def content(self, digest: str) -> bytes:
        """The bytes of an object of the cache."""
        command = [self.path(), "cache", "cat", "-C", str(self._folder), "--", digest]
        return self._run(command, (0,)).stdout

    def _away(self, name: str) -> str:
        places = ["/", str(self._folder), "/proc/self"]
        return next((place for place in places if not os.path.lexists(os.path.join(place, name))), "/")

    def _run(
        self,
        command: Sequence[str],
        allowed: Sequence[int],
        place: Optional[str] = None,
        file: Optional[IO[bytes]] = None,
    ) -> subprocess.CompletedProcess[bytes]:
        try:
            done = subprocess.run(
                command, stdin=file or subprocess.DEVNULL, capture_output=True, cwd=place, check=False
            )
        except (OSError, ValueError) as error:
            if isinstance(error, ValueError):
                raise RungError(f"no name can hold this: {error}", command=command) from error
            raise BinaryNotFoundError(f"'{command[0]}' cannot be started: {error.strerror}", command=command) from error
        if done.returncode in allowed:
            return done
        lines = done.stderr.decode("utf-8", "replace").strip().removeprefix("error: ").splitlines()
        if not lines:
            how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
            lines = [f"`rung {' '.join(command[1:3])}` ended with {how} and said nothing"]
        raise RungError(
            lines[0],
            [line.removeprefix("  ") for line in lines[1:]],
            exit_code=done.returncode,
            command=command,
        )

    @staticmethod
    def _parse(text: bytes, command: Sequence[str]) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise RungError(
                f"'{command[0]}' printed something that is no JSON: {error}",
                ["is this the program `rung`, in a version that this package knows?"],
                exit_code=0,
                command=command,
            ) from error
