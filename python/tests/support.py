"""A small project that the tests make with the real program."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional
from unittest import mock

import rung

_ROOT = Path(__file__).resolve().parents[2]

PIPELINE = """
pipeline: t
about: What the notebook package is tested with.
parameters: {shift: 10, mode: fine}
axes:
  width: [1, 2.50, "x"]
  seed: {replicates: 4}
  setting: {zip: {lr: [0.1, 0.01], batch: [8, 64]}}
steps:
  fit:
    over: [width, seed]
    run: |
      cat {offset} > /dev/null
      printf '{"width": "%s", "loss": {"train": %s.5, "test": [1, 2]}, "by": {"0": %s, "1": 7}, "ok": true}' \\
        {width} {seed} {shift} > {out.metrics}
      printf '{"size": %s, "loss": {"train": 1}, "t": "text", "rates": [%s]}' {seed} "$(seq -s, 0 {seed})" > {out.more}
    inputs: {offset: offset.txt}
    outputs: {metrics: metrics.json, more: more.json}
  same:
    over: [width]
    run: |
      printf '{"nan": NaN, "one": 1, "gone": null}' > {out.m}
    outputs: {m: m.json}
  zipped:
    over: [setting]
    run: |
      printf '{"lr": {setting.lr}}' > {out.m}
    outputs: {m: m.json}
  many:
    run: |
      printf '[{"at": 1, "name": "<b>bold</b>"}, {"at": 2, "list": [1, 2]}]' > {out.rows}
    outputs: {rows: rows.json}
  files:
    run: |
      printf 'a,b\\n1,x\\n2.5,"<script>alert(1)</script>"\\n,\\n' > {out.table}
      printf 'hello' > {out.text}
      printf '\\0\\377' > {out.bytes}
      printf 'not json' > {out.broken}
      mkdir -p folder/in
      printf '{"deep": 1}' > folder/in/x.json
      printf 'a name' > 'folder/a name.txt'
      ln -s in/x.json folder/link
    outputs: {table: t.csv, text: hello.txt, bytes: b.dat, broken: broken.json, folder: folder/}
  picture:
    over: [seed]
    run: |
      printf '<svg xmlns="http://www.w3.org/2000/svg"><script>alert("svg")</script></svg>' > {out.svg}
      printf '\\211PNG\\r\\n\\032\\n%s' {seed} > {out.png}
      printf '{"n": 1}' > {out.summary}
    outputs:
      summary: summary.json
      svg: {path: p.svg, publish: "out/p-{seed}.svg"}
      png: {path: p.png, publish: "out/p-{seed}.png"}
  fails:
    over: [seed]
    run: |
      test {seed} != 2 && printf '{"n": {seed}}' > {out.m}
    outputs: {m: m.json}
  never:
    run: |
      touch {out.m}
    outputs: {m: m.json}
claims:
  shift:
    says: The shift is <ten>.
    measured: fit.metrics#/by/0
    predicted: shift
    over: [width]
    within: {absolute: 0.5}
    where: width = 1
  wrong:
    measured: many.rows#/0/at
    at_most: 0
"""


def binary() -> str:
    """The program to test with. Skips the test that asks when there is none."""
    for path in (os.environ.get("RUNG_BINARY"), _ROOT / ".build/release/rung", _ROOT / ".build/debug/rung"):
        if path and os.path.exists(path):
            return str(Path(path).resolve())
    raise unittest.SkipTest("no program rung: build it, or name one in RUNG_BINARY")


class Made:
    """A project in a temporary folder, of which some steps have run."""

    def __init__(self) -> None:
        self.binary = binary()
        self._folder = tempfile.TemporaryDirectory(prefix="rung-python-")
        self.root = Path(self._folder.name).resolve()
        self.pipeline = self.root / "pipelines/t/pipeline.yaml"
        self.pipeline.parent.mkdir(parents=True)
        (self.root / "rung.yaml").write_text("watch: declared\n")
        self.offset = self.root / "pipelines/t/offset.txt"
        self.offset.write_text("0\n")
        self.pipeline.write_text(PIPELINE)
        self.project = rung.Project(self.root, binary=self.binary)
        self.run("t/fit", "t/same", "t/zipped", "t/many", "t/files", "t/picture", "t/claims")
        self.run("t/fails", "--keep-going", code=1)

    def run(self, *arguments: str, code: int = 0) -> None:
        """Runs steps. Fails the test when that does not end with `code`."""
        command = [self.binary, "run", "-C", str(self.root), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment())
        if done.returncode != code:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")

    @contextmanager
    def edited(self, path: Path, text: str) -> Iterator[None]:
        """A file of the project with another content for a while."""
        before = path.read_text()
        path.write_text(text)
        try:
            yield
        finally:
            path.write_text(before)

    def close(self) -> None:
        self._folder.cleanup()


def environment() -> dict[str, str]:
    """The environment without what would lead to another project or cache."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RUNG")}


class ProjectTest(unittest.TestCase):
    """Tests that share one made project and leave it as it was."""

    made: Made

    @classmethod
    def setUpClass(cls) -> None:
        patch = mock.patch.dict(os.environ, environment(), clear=True)
        name = binary()
        patch.start()
        cls.addClassCleanup(patch.stop)
        with mock.patch.dict(os.environ, {"RUNG_BINARY": name}):
            cls.made = Made()
        cls.addClassCleanup(cls.made.close)

    @property
    def project(self) -> rung.Project:
        return self.made.project


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """As if the modules were not installed."""
    blocked: dict[str, Optional[object]] = {name: None for name in modules}
    with mock.patch.dict(sys.modules, blocked):
        yield


def installed(module: str) -> bool:
    """Whether a module can be imported."""
    try:
        __import__(module)
    except ImportError:
        return False
    return True
