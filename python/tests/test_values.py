"""Names, tables and documents, without any project."""

from __future__ import annotations

import unittest

import rung
from rung._artifact import decode, read_csv
from rung._names import Target, labels_of, step_of, value_of
from rung._numbers import numbers, patterns
from rung._tidy import _column_names

HOSTILE = '<img src=x onerror="alert(1)">&\'"</td></table>'


class NamesTest(unittest.TestCase):
    def test_an_output_is_what_stands_after_the_last_dot_outside_brackets(self) -> None:
        for text, steps, output in [
            ("p/s", "p/s", None),
            ("p/s.m", "p/s", "m"),
            ("s.m", "s", "m"),
            ("p/s[w=2.50]", "p/s[w=2.50]", None),
            ("p/s[w=2.50,seed=1].m-1", "p/s[w=2.50,seed=1]", "m-1"),
            ("p/s.", "p/s.", None),
            ("p/*", "p/*", None),
            ("p/s[w=1", "p/s[w=1", None),
        ]:
            with self.subTest(text):
                self.assertEqual(Target.parse(text), Target(text, steps, output))

    def test_what_is_no_name(self) -> None:
        with self.assertRaises(rung.RungError):
            Target.parse(" ")
        with self.assertRaises(TypeError):
            Target.parse(3)  # type: ignore[arg-type]

    def test_the_labels_of_an_instance(self) -> None:
        self.assertEqual(labels_of("p/s[width=2.50,seed=0]"), {"width": "2.50", "seed": "0"})
        self.assertEqual(labels_of("p/s"), {})
        self.assertEqual(step_of("p/s[width=2.50]"), "p/s")

    def test_only_what_JSON_calls_a_number_is_one(self) -> None:
        for label in ["007", "+1", "1.", ".5", "0x1F", "1_000", "nan", "Infinity", "true", "١", "1\n", "", "-"]:
            self.assertEqual(value_of(label), label)
        for label, value in [("7", 7), ("-0", 0), ("2.50", 2.5), ("1e-5", 1e-5), ("9" * 30, int("9" * 30))]:
            self.assertEqual(value_of(label), value)
            self.assertIs(type(value_of(label)), type(value))
        self.assertEqual(value_of("9" * 10_000), "9" * 10_000)


class NumbersTest(unittest.TestCase):
    def test_numbers_are_found_through_objects_alone(self) -> None:
        document = {"a": 1, "b": {"c": 2.5, "d/e~": 3, "t": True, "z": None}, "l": [1], "s": "x"}
        self.assertEqual(numbers(document), {"/a": 1, "/b/c": 2.5, "/b/d~1e~0": 3})
        self.assertEqual(numbers(4), {"": 4})

    def test_lists_of_other_lengths_are_alike_and_objects_with_gaps_are_themselves(self) -> None:
        self.assertEqual(patterns(["/l/0/x", "/l/1/y"]), {"/l/0/x": "/l/*/x", "/l/1/y": "/l/*/y"})
        self.assertEqual(patterns(["/w/10", "/w/20", "/a"]), {"/w/10": "/w/10", "/w/20": "/w/20", "/a": "/a"})
        self.assertEqual(patterns(["/00"]), {"/00": "/00"})
        self.assertEqual(patterns([""]), {"": ""})

    def test_no_two_columns_have_one_name(self) -> None:
        for keys in [
            [("m", "/a/b"), ("m", "/a.b")],
            [("m", "/x"), ("n", "/x"), ("m", "/m.x")],
            [("m", "/seed"), ("m", "/m.seed"), ("m", "/m#~1seed"), ("m", "/m#~1m.seed")],
            [("m", ""), ("m", "/value"), ("m", "/")],
        ]:
            names = _column_names(keys, ["seed"])
            self.assertEqual(len({"seed", *names.values()}), len(keys) + 1, names)
            self.assertEqual(list(names), keys)


class TableTest(unittest.TestCase):
    def test_rows_and_columns(self) -> None:
        table = rung.Table.of([{"a": 1, "b": 2}, {"a": 3, "c": 4}], first=["b"])
        self.assertEqual(table.columns, ["b", "a", "c"])
        self.assertEqual(table.rows, [[2, 1, None], [None, 3, 4]])
        self.assertEqual(table["a"], [1, 3])
        self.assertEqual(table[1], {"b": None, "a": 3, "c": 4})
        self.assertEqual(list(table.where(a=3)), [table[1]])
        self.assertEqual(len(table), 2)
        for wrong in (lambda: table["d"], lambda: table.where(d=1)):
            with self.assertRaises(KeyError):
                wrong()
        with self.assertRaises(ValueError):
            rung.Table(["a", "a"])
        with self.assertRaises(ValueError):
            rung.Table(["a"], [[1, 2]])

    def test_everything_is_escaped_in_a_page(self) -> None:
        page = rung.Table([HOSTILE], [[HOSTILE], [None]])._repr_html_()
        self.assertNotIn("<img", page)
        self.assertNotIn('"', page)
        self.assertEqual(page.count("<td>"), 2)
        self.assertEqual(page.count("</table>"), 1)

    def test_nothing_steers_a_terminal(self) -> None:
        text = repr(rung.Table(["a\x1b[31m"], [["\x1b]0;title\x07\r\n\u202e"], ["x" * 10_000]]))
        self.assertTrue(all(char.isprintable() or char == "\n" for char in text))
        self.assertEqual(len(text.splitlines()), 3)
        self.assertLess(len(text), 500)

    def test_a_long_table_says_how_much_is_not_shown(self) -> None:
        table = rung.Table(["n"], [[n] for n in range(rung.Table.SHOWN + 5)])
        self.assertIn("5 more rows", repr(table))
        self.assertIn("5 more rows", table._repr_html_())


class DecodeTest(unittest.TestCase):
    def test_by_name_and_content(self) -> None:
        self.assertEqual(decode(b'{"a": [1, NaN]}', "x/m.JSON", "it")["a"][0], 1)
        self.assertEqual(decode("grün".encode(), "notes", "it"), "grün")
        self.assertEqual(decode(b"\xff", "x.txt", "it"), b"\xff")
        self.assertEqual(decode(b"a\0b", "x.txt", "it"), b"a\0b")
        self.assertEqual(decode(b"%PDF-1.4", "x.pdf", "it"), b"%PDF-1.4")
        self.assertEqual(decode(b"", "x.txt", "it"), "")

    def test_what_is_not_what_its_name_says_is_told(self) -> None:
        deep = b"[" * 100_000
        for content, path in [(b"{", "a.json"), (deep, "a.json"), (b"a,b\n1\n", "a.csv"), (b"\xff", "a.csv")]:
            with self.subTest(path), self.assertRaisesRegex(rung.RungError, "'a of b'.*'a"):
                decode(content, path, "'a of b'")

    def test_tables(self) -> None:
        table = read_csv('a,"b ""x"""\r\n1,2.50\r\n,"two\nlines"\r\n')
        self.assertEqual(table.columns, ["a", 'b "x"'])
        self.assertEqual(table.rows, [[1, 2.5], [None, "two\nlines"]])
        self.assertEqual(read_csv("").columns, [])
