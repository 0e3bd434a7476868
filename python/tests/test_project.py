"""Tables and artifacts of a small project."""

from __future__ import annotations

import io
import math
import os
import subprocess
import sys
import unittest
import warnings
from pathlib import Path
from unittest import mock

import rung
from rung import _artifact, _results, _tidy

from .support import ProjectTest, installed, without


class TableOfStepTest(ProjectTest):
    def test_a_row_for_each_instance_with_axes_then_numbers(self) -> None:
        table = self.project.table("t/fit", pandas=False)
        self.assertEqual(
            table.columns, ["width", "seed", "metrics.loss.train", "by.0", "by.1", "size", "more.loss.train"]
        )
        self.assertEqual(len(table), 12)
        self.assertEqual(table["width"], [1] * 4 + [2.5] * 4 + ["x"] * 4)
        self.assertEqual(table["seed"], [0, 1, 2, 3] * 3)
        self.assertEqual(list(table.where(width=2.5, seed=3))[0]["metrics.loss.train"], 3.5)

    def test_all_at_once_and_one_by_one_give_the_same(self) -> None:
        at_once = self.project.table("t/fit", pandas=False)
        with mock.patch.object(_tidy, "_FEW", 1_000):
            self.assertEqual(self.project.table("t/fit", pandas=False), at_once)
        with mock.patch.object(_tidy, "_FEW", 0):
            self.assertEqual(self.project.table("t/many", pandas=False).columns, [])
            self.assertTrue(all(map(math.isnan, self.project.table("t/same", pandas=False)["nan"])))

    def test_a_sweep_takes_few_processes(self) -> None:
        with mock.patch("subprocess.run", side_effect=subprocess.run) as run:
            self.project.table("t/fit", pandas=False)
        self.assertLessEqual(run.call_count, 8)

    def test_some_instances(self) -> None:
        self.assertEqual(self.project.table("t/fit[seed=2]", pandas=False)["width"], [1, 2.5, "x"])
        self.assertEqual(len(self.project.table("fit[width=2.50,seed=2]", pandas=False)), 1)

    def test_instances_that_share_a_result_each_have_a_row(self) -> None:
        self.assertEqual(self.project.table("t/same", pandas=False)["width"], [1, 2.5, "x"])

    def test_the_fields_of_an_axis_have_columns(self) -> None:
        table = self.project.table("t/zipped", pandas=False)
        self.assertEqual(table.columns, ["setting", "lr", "m.lr"])
        self.assertEqual(table.rows, [["0.1-8", 0.1, 0.1], ["0.01-64", 0.01, 0.01]])

    def test_one_output_with_all_that_is_in_it(self) -> None:
        table = self.project.table("t/fit[width=1].more", pandas=False)
        self.assertEqual(table.columns, ["width", "seed", "size", "loss.train", "t", "rates"])
        self.assertEqual(table[2], {"width": 1, "seed": 2, "size": 2, "loss.train": 1, "t": "text", "rates": [0, 1, 2]})
        rows = self.project.table("t/many.rows", pandas=False)
        self.assertEqual(rows.rows, [[1, "<b>bold</b>", None], [2, None, [1, 2]]])

    def test_what_cannot_be_a_table(self) -> None:
        for target, message in [
            ("t/*", "steps, and a table is of one"),
            ("t/files.text", "only a JSON output"),
            ("t/fit.nothing", "no output 'nothing'"),
            ("t/files", "'broken' of t/files"),
            ("t/fitt", "did you mean 't/fit'"),
            ("t/fit[width=7]", "its axes are width, seed"),
            ("--help", "nothing is called '--help'"),
            ("t/fit\0", "no name can hold this"),
        ]:
            with self.subTest(target), self.assertRaisesRegex(rung.RungError, message):
                self.project.table(target)


class LoadTest(ProjectTest):
    def test_by_what_it_is(self) -> None:
        load = self.project.load
        self.assertEqual(load("t/fit[width=x,seed=3].more")["rates"], [0, 1, 2, 3])
        self.assertEqual(load("t/many")[0]["at"], 1)
        self.assertEqual(load("t/files.text"), "hello")
        self.assertEqual(load("t/files.text", raw=True), b"hello")
        self.assertEqual(load("t/files.bytes"), b"\0\xff")
        self.assertEqual(load("t/files.broken", raw=True), b"not json")
        with without("pandas"):
            self.assertEqual(load("t/files.table").rows[1], [2.5, "<script>alert(1)</script>"])

    def test_a_folder(self) -> None:
        folder = self.project.load("t/files.folder")
        self.assertEqual(sorted(folder), ["a name.txt", "in", "link"])
        self.assertEqual(folder["a name.txt"], "a name")
        self.assertEqual(folder["link"], "in/x.json")
        self.assertEqual(folder["in"]["x.json"], {"deep": 1})
        self.assertEqual(folder["in/x.json"], {"deep": 1})
        self.assertEqual(folder.raw("in/x.json"), b'{"deep": 1}')
        for name in ("nothing", "in/nothing", "a name.txt/x", "link/x"):
            with self.assertRaises(KeyError):
                folder[name]
        with self.assertRaisesRegex(rung.RungError, "is a folder"):
            self.project.load("t/files.folder", raw=True)

    def test_what_is_not_one_output_of_one_instance(self) -> None:
        for target, message in [
            ("t/fit.metrics", r"12 instances\n.*t/fit\[width=x,seed=3\].metrics"),
            ("t/files", "5 outputs.*\n.*t/files.table"),
            ("t/files.nothing", "no output 'nothing'\n.*'table'"),
            ("t/files.broken", "'broken' of t/files is not what its name 'broken.json' says"),
        ]:
            with self.subTest(target), self.assertRaisesRegex(rung.RungError, message):
                self.project.load(target)

    def test_an_object_that_is_lost_is_told(self) -> None:
        output = _results.Output("t/fit", "m", "m.json", "file", "sha256:" + "0" * 64, 3)
        with self.assertRaisesRegex(rung.NotMadeError, r"'m' of t/fit.*\n.*rung run 't/fit'"):
            _results.content_of(self.project._binary, output)


class PandasAndNumpyTest(ProjectTest):
    def test_without_them_tables_are_rung_s_own(self) -> None:
        with without("numpy", "pandas"):
            for made in (self.project.table("t/fit"), self.project.claims(), self.project.status()):
                self.assertIsInstance(made, rung.Table)
            with self.assertRaisesRegex(rung.RungError, "pandas is not installed"):
                self.project.table("t/fit", pandas=True)
            self.assertEqual(_artifact.decode(b"\x93NUMPY", "a.npy", "it"), b"\x93NUMPY")

    @unittest.skipUnless(installed("pandas"), "pandas is not installed")
    def test_with_pandas_tables_are_frames(self) -> None:
        frame = self.project.table("t/fit")
        self.assertEqual(frame.shape, (12, 7))
        self.assertEqual(frame["metrics.loss.train"].mean(), 2.0)
        self.assertIsInstance(self.project.table("t/fit", pandas=False), rung.Table)
        self.assertEqual(len(self.project.load("t/files.table")), 3)
        self.assertNotIn("<script>", self.project.load("t/files.table")._repr_html_())
        self.assertNotIn("<ten>", self.project.claims()._repr_html_())
        self.assertEqual(len(self.project.table("t/many")), 1)

    @unittest.skipUnless(installed("numpy"), "numpy is not installed")
    def test_with_numpy_arrays_are_arrays(self) -> None:
        import numpy

        one, many, evil = io.BytesIO(), io.BytesIO(), io.BytesIO()
        numpy.save(one, numpy.arange(3))
        numpy.savez(many, a=numpy.eye(2), b=numpy.array(1.5))
        numpy.save(evil, numpy.array([object()]), allow_pickle=True)
        decode = _artifact.decode
        self.assertEqual(decode(one.getvalue(), "a.npy", "it").tolist(), [0, 1, 2])
        loaded = decode(many.getvalue(), "a.npz", "it")
        self.assertEqual((sorted(loaded), loaded["a"].shape), (["a", "b"], (2, 2)))
        for content in (evil.getvalue(), b"", b"garbage", one.getvalue()[:-1]):
            with self.assertRaisesRegex(rung.RungError, "not what its name 'a.npy' says"):
                decode(content, "a.npy", "it")
        with self.assertRaises(rung.RungError):
            decode(b"PK\x03\x04garbage", "a.npz", "it")

    def test_importing_the_package_imports_neither(self) -> None:
        code = "import sys, rung; assert not {'numpy', 'pandas'} & set(sys.modules)"
        source = Path(rung.__file__).parents[1]
        environment = {**os.environ, "PYTHONPATH": str(source)}
        done = subprocess.run([sys.executable, "-c", code], env=environment)
        self.assertEqual(done.returncode, 0)


class StandingsTest(ProjectTest):
    def test_claims(self) -> None:
        claims = self.project.claims(pandas=False)
        shift, wrong = list(claims)
        self.assertEqual((shift["predicted"], shift["measured"], shift["verdict"]), (10, 10, "holds"))
        self.assertEqual((shift["low"], shift["high"], shift["n"]), (10, 10, 4))
        self.assertEqual((wrong["verdict"], wrong["as_expected"], wrong["current"]), ("breaks", False, True))
        self.assertEqual(len(self.project.claims("t/wrong", pandas=False)), 1)
        self.assertNotIn("<ten>", claims._repr_html_())
        with self.assertRaises(rung.RungError):
            self.project.claims("nothing")

    def test_status(self) -> None:
        fit = list(self.project.status("t/fit", pandas=False))[0]
        self.assertEqual((fit["step"], fit["instances"], fit["current"]), ("t/fit", 12, 12))
        self.assertEqual(len(self.project.status(pandas=False)), 9)

    def test_the_functions_read_the_project_of_the_current_folder(self) -> None:
        before = os.getcwd()
        os.chdir(self.made.pipeline.parent)
        try:
            with mock.patch.dict(os.environ, {"RUNG": self.made.binary}), without("pandas"):
                self.assertEqual(len(rung.table("fit")), 12)
                self.assertEqual(rung.load("many")[1]["at"], 2)
                self.assertEqual(len(rung.status("fit")), 1)
                self.assertEqual(len(rung.claims()), 2)
                self.assertEqual(rung.figure("out/p-1.svg").media_type, "image/svg+xml")
        finally:
            os.chdir(before)

    def test_a_file_called_like_a_step_is_not_mistaken_for_it(self) -> None:
        place = self.made.root / "t"
        place.mkdir()
        (place / "fit").write_text("a file")
        before = os.getcwd()
        os.chdir(self.made.root)
        try:
            self.assertEqual(len(self.project.table("t/fit", pandas=False)), 12)
        finally:
            os.chdir(before)
            (place / "fit").unlink()
            place.rmdir()

    def test_nothing_is_written(self) -> None:
        def files() -> dict[str, bytes]:
            return {
                str(path): path.read_bytes()
                for path in sorted(self.made.root.rglob("*"))
                if path.is_file() and ".sqlite" not in path.name
            }

        before = files()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.project.table("t/fails")
        self.project.load("t/files.folder")["in"]["x.json"]
        self.project.figure("t/picture[seed=1].svg").provenance
        self.project.claims()
        self.project.status()
        self.assertEqual(files().keys() - before.keys(), set())
        self.assertEqual([name for name, content in before.items() if files().get(name) != content], [])
