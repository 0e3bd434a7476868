"""Results that are missing, old, or old again."""

from __future__ import annotations

import warnings
from unittest import mock

import rung

from .support import PIPELINE, ProjectTest


class MissingTest(ProjectTest):
    def test_what_was_never_made_is_an_error_that_says_how_to_make_it(self) -> None:
        for ask in (self.project.load, self.project.table, self.project.figure):
            with self.assertRaisesRegex(rung.NotMadeError, r"'t/never' has no result yet\n.*`rung run 't/never'`"):
                ask("t/never")

    def test_what_failed_is_told_with_why(self) -> None:
        with self.assertRaisesRegex(rung.NotMadeError, r"(?s)failed when it was last tried: .*1.*rung log"):
            self.project.load("t/fails[seed=2]")

    def test_a_table_leaves_out_what_is_missing_and_says_so(self) -> None:
        with self.assertWarnsRegex(rung.MissingWarning, "1 of the 4 instances of 't/fails'") as caught:
            table = self.project.table("t/fails", pandas=False)
        self.assertEqual(table["n"], [0, 1, 3])
        self.assertEqual(caught.filename, __file__)
        with self.assertRaises(rung.NotMadeError):
            self.project.table("t/fails", missing="error")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.assertEqual(len(self.project.table("t/fails", pandas=False, missing="ignore")), 3)


class StaleTest(ProjectTest):
    def test_an_edited_input(self) -> None:
        with self.made.edited(self.made.offset, "1\n"):
            told = "(?s)12 of 12.*input offset changed.*rung run 't/fit'"
            with self.assertWarnsRegex(rung.StaleWarning, told) as caught:
                self.assertEqual(len(self.project.table("t/fit", pandas=False)), 12)
            self.assertEqual(caught.filename, __file__)
            with self.assertRaisesRegex(rung.StaleError, "rung why"):
                self.project.load("t/fit[width=1,seed=0].more", stale="error")
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self.assertEqual(self.project.load("t/fit[width=1,seed=0].more", stale="ignore")["size"], 0)
                self.project.load("t/many")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.project.table("t/fit")

    def test_a_change_that_was_taken_back(self) -> None:
        changed = PIPELINE.replace('"n": 1', '"n": 2')
        self.assertNotEqual(changed, PIPELINE)
        with self.made.edited(self.made.pipeline, changed):
            self.made.run("t/picture")
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self.assertEqual(self.project.table("t/picture", pandas=False)["n"], [2] * 4)
        # The newest result is that of the change; the one before is up to date again.
        with self.assertWarnsRegex(rung.StaleWarning, "became up to date again"):
            self.project.table("t/picture")
        self.made.run("t/picture")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.assertEqual(self.project.table("t/picture", pandas=False)["n"], [1] * 4)

    def test_a_failure_after_a_success(self) -> None:
        with self.made.edited(self.made.pipeline, PIPELINE.replace("printf '[", "exit 3; printf '[")):
            self.made.run("t/many", code=1)
            with self.assertWarnsRegex(rung.StaleWarning, "its last attempt gave no result"):
                self.assertEqual(self.project.load("t/many.rows")[0]["at"], 1)
        self.made.run("t/many")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.project.load("t/many")

    def test_a_step_that_is_new_in_the_pipeline(self) -> None:
        more = PIPELINE.replace("seed: {replicates: 4}", "seed: {replicates: 5}")
        with self.made.edited(self.made.pipeline, more):
            with self.assertWarnsRegex(rung.MissingWarning, "3 of the 15"):
                self.assertEqual(len(self.project.table("t/fit", pandas=False)), 12)
        self.assertEqual(len(self.project.table("t/fit", pandas=False)), 12)

    def test_another_profile_or_parameter_is_another_result(self) -> None:
        other = rung.Project(self.made.root, binary=self.made.binary, over={"seed": [1]})
        self.assertEqual(len(other.table("t/fit", pandas=False)), 3)
        set_so = rung.Project(self.made.root, binary=self.made.binary, parameters={"shift": 11})
        with self.assertWarnsRegex(rung.StaleWarning, "parameter shift changed"):
            set_so.table("t/fit")

    def test_an_axis_whose_values_are_not_known_yet(self) -> None:
        more = PIPELINE.replace(
            "steps:",
            '  open: {from: "never.m#/x"}\nsteps:\n'
            '  dynamic: {over: [open], run: "echo {open} > {out.m}", outputs: {m: m.json}}',
            1,
        )
        with self.made.edited(self.made.pipeline, more):
            with self.assertRaisesRegex(rung.RungError, "(?s)which instances 't/dynamic' has.*rung run"):
                self.project.table("t/dynamic")


class BinaryTest(ProjectTest):
    def test_a_program_that_is_not_there(self) -> None:
        project = rung.Project(self.made.root, binary="/nowhere/rung")
        with self.assertRaisesRegex(rung.BinaryNotFoundError, "(?s)'/nowhere/rung' was not found.*RUNG"):
            project.status()

    def test_the_environment_names_one(self) -> None:
        project = rung.Project(self.made.root)
        with mock.patch.dict("os.environ", {"RUNG": self.made.binary}):
            self.assertEqual(len(project.status(pandas=False)), 9)
        with mock.patch.dict("os.environ", {"PATH": "/nowhere"}):
            with self.assertRaises(rung.BinaryNotFoundError):
                project.status()

    def test_a_program_that_is_another(self) -> None:
        with self.assertRaisesRegex(rung.RungError, "no JSON"):
            rung.Project(self.made.root, binary="/bin/echo").status()
        with self.assertRaisesRegex(rung.RungError, "exit code 1 and said nothing"):
            rung.Project(self.made.root, binary="/bin/false").status()

    def test_its_words_and_code_are_passed_on(self) -> None:
        with self.assertRaises(rung.RungError) as caught:
            self.project.load("t/fitt")
        self.assertEqual(caught.exception.exit_code, 2)
        self.assertEqual(caught.exception.message, "nothing is called 't/fitt'")
        self.assertEqual(caught.exception.hints, ("did you mean 't/fit'?",))
        self.assertIn("why", caught.exception.command or ())

    def test_a_mistake_in_the_pipeline_is_shown_with_its_place(self) -> None:
        with self.made.edited(self.made.pipeline, PIPELINE.replace("over: [width]", "over: [widht]")):
            with self.assertRaisesRegex(rung.RungError, r"(?s)pipeline.yaml.*widht"):
                self.project.status()

    def test_a_folder_in_no_project(self) -> None:
        with self.assertRaisesRegex(rung.RungError, "'/proc/self' is not in a Rung project"):
            rung.Project("/proc/self")
