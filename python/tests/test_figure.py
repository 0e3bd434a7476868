"""Pictures and their provenance."""

from __future__ import annotations

import base64
import re
import unittest
import warnings
from typing import Any

import rung
from rung.figure import Figure, Provenance

from .support import PIPELINE, ProjectTest

PNG = b"\x89PNG\r\n\x1a\n"
HOSTILE = '"><script>alert(1)</script>'


def untraced(*_: Any) -> Any:
    raise AssertionError("nobody asked for its provenance")


class FigureTest(unittest.TestCase):
    def test_an_svg_is_an_image_in_which_nothing_runs(self) -> None:
        data = b'<?xml version="1.0"?><svg onload="alert(1)"><script>alert(2)</script></svg>'
        figure = Figure(HOSTILE, data, None, untraced)
        self.assertIsNone(figure._repr_svg_())
        self.assertIsNone(figure._repr_png_())
        page = figure._repr_html_() or ""
        self.assertNotIn("<script", page)
        inert = r'<img src="data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)" alt="[^"<>]*" style="[^"<>]*">'
        found = re.fullmatch(inert, page)
        assert found is not None
        self.assertEqual(base64.b64decode(found[1]), data)

    def test_what_it_is_goes_by_its_content(self) -> None:
        for data, kind in [
            (PNG, "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"%PDF-1.7", "application/pdf"),
            (b"\xef\xbb\xbf \n<svg/>", "image/svg+xml"),
            (b"<!-- made --><svg/>", "image/svg+xml"),
        ]:
            self.assertEqual(Figure("x", data, None, untraced).media_type, kind)
        self.assertEqual(Figure("x", PNG, None, untraced)._repr_png_(), PNG)
        self.assertIsNone(Figure("x.svg", PNG, None, untraced)._repr_html_())
        for data in (b"", b"{}", b"<html><svg/></html>", b"text"):
            with self.assertRaisesRegex(rung.RungError, "(?s)no picture.*rung.load"):
                Figure("x.svg", data, None, untraced)

    def test_provenance_is_escaped(self) -> None:
        trace = {
            "output": {"instance": HOSTILE, "name": "\x1b[31m"},
            "commit": HOSTILE,
            "steps": [{"pipeline": HOSTILE, "step": "s"}],
            "sources": [{"path": HOSTILE, "digest": None}],
        }
        page = Provenance(trace)._repr_html_()
        self.assertNotIn("<script", page)
        self.assertEqual(page.count("<tr>"), 6)
        self.assertNotIn("\x1b", repr(Provenance(trace)))


class FigureOfProjectTest(ProjectTest):
    def test_an_output(self) -> None:
        figure = self.project.figure("t/picture[seed=2].png")
        self.assertEqual(figure.data, PNG + b"2")
        self.assertEqual(figure.path, self.made.root / "pipelines/t/out/p-2.png")
        self.assertEqual((figure.provenance.instance, figure.provenance.output), ("t/picture[seed=2]", "png"))
        self.assertEqual([step["instance"] for step in figure.provenance.steps], ["t/picture[seed=2]"])
        self.assertTrue(figure.provenance.complete)
        self.assertEqual(figure.provenance.watch, "declared")
        self.assertIn("t/picture", repr(figure.provenance))

    def test_of_the_same_bytes_the_making_of_the_one_that_was_asked_for(self) -> None:
        for seed in range(4):
            name = f"t/picture[seed={seed}]"
            by_name = self.project.figure(f"{name}.svg")
            by_path = self.project.figure(f"pipelines/t/out/p-{seed}.svg")
            for figure in (by_name, by_path):
                provenance = figure.provenance
                self.assertEqual((provenance.instance, provenance.output), (name, "svg"))
                self.assertEqual([step["instance"] for step in provenance.steps], [name])
                self.assertEqual(provenance["output"]["record"], provenance.steps[0]["record"])
                self.assertEqual(figure.path, self.made.root / f"pipelines/t/out/p-{seed}.svg")
            self.assertNotIn(b"rung", by_name.data)
            self.assertEqual(by_path.data, (self.made.root / f"pipelines/t/out/p-{seed}.svg").read_bytes())

    def test_a_published_file(self) -> None:
        path = self.made.root / "pipelines/t/out/p-1.png"
        for target in (path, str(path), "pipelines/t/out/p-1.png"):
            figure = self.project.figure(target)
            self.assertEqual(figure.path, path)
            self.assertEqual(figure._repr_png_(), path.read_bytes())
            self.assertEqual(figure.provenance.instance, "t/picture[seed=1]")

    def test_a_published_file_that_is_old(self) -> None:
        path = self.made.root / "pipelines/t/out/p-1.png"
        old = path.read_bytes()
        changed = PIPELINE.replace("%s' {seed} > {out.png}", "%s' 1{seed} > {out.png}")
        with self.made.edited(self.made.pipeline, changed):
            with self.assertWarnsRegex(rung.StaleWarning, "would run again: command changed"):
                self.project.figure(path)
            self.made.run("t/picture")
            self.assertEqual(self.project.figure("t/picture[seed=1].png").data, PNG + b"11")
            copy = self.made.root / "copy.png"
            copy.write_bytes(old)
            with self.assertWarnsRegex(rung.StaleWarning, "has made another one since"):
                self.project.figure(copy)
            with self.assertRaises(rung.StaleError):
                self.project.figure(copy, stale="error")
            copy.unlink()
        self.made.run("t/picture")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.project.figure(path, stale="error")

    def test_what_no_step_made(self) -> None:
        stray = self.made.root / "stray.png"
        stray.write_bytes(PNG + b"by hand")
        self.addCleanup(stray.unlink)
        with self.assertRaisesRegex(rung.RungError, "stray.png"):
            self.project.figure("stray.png")
        for target, message in [
            ("t/many", "no picture"),
            ("t/picture[seed=0].summary", "no picture"),
            ("t/picture.png", "is 4 instances"),
            ("nothing.png", "nothing is called 'nothing'"),
        ]:
            with self.subTest(target), self.assertRaisesRegex(rung.RungError, message):
                self.project.figure(target)
        with self.assertRaisesRegex(rung.RungError, "there is no file"):
            self.project.figure(self.made.root / "nothing.png")
