"""Draws, against the number of steps, the time to find out that nothing has changed, and what a step costs over its bare
command in a run from nothing. All axes are logarithmic, the last one linear around zero: noise can make less than nothing
of a small cost. A bar goes from the fastest round to the slowest.
"""

import argparse
import csv

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

COLOURS = {"rung": "#c03a2b"}
OTHERS = ["#1f3a5f", "#5b8a72", "#a0772d", "#7b5a8c", "#3f8fa6", "#7a7a7a", "#b06a8a", "#4f4f4f"]
MARKERS = "os^Dv<>P"


def read(path):
    """The rows by scenario and tool, each a list by the number of steps. Rung comes last, so that it is drawn on top."""
    found = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["scenario"], {}).setdefault(row["tool"], []).append(row)
    return {scenario: {tool: sorted(rows, key=lambda row: int(row["steps"]))
                       for tool, rows in sorted(tools.items(), key=lambda item: (item[0] == "rung", item[0]))}
            for scenario, tools in found.items()}


def styles(tables):
    """A colour and a marker for each tool, the same in both panels."""
    tools = sorted({tool for tables_ in tables.values() for tool in tables_ if tool not in (*COLOURS, "bare loop")})
    look = {tool: (COLOURS[tool], MARKERS[0]) for tool in COLOURS}
    look.update({tool: (OTHERS[i % len(OTHERS)], MARKERS[(i + 1) % len(MARKERS)]) for i, tool in enumerate(tools)})
    return look


def lines(axes, tools, look, column, low=None, high=None):
    for tool, rows in tools.items():
        points = [(int(row["steps"]), *(float(row[name]) * 1e3 if name else None for name in (column, low, high)))
                  for row in rows if row[column]]
        if not points or tool not in look:
            continue
        colour, marker = look[tool]
        steps, middle, least, most = zip(*points)
        bars = None
        if low:
            bars = [[m - l for m, l in zip(middle, least)], [h - m for m, h in zip(middle, most)]]
        axes.errorbar(steps, middle, yerr=bars, color=colour, marker=marker, markersize=3.2, markerfacecolor="white",
                      markeredgewidth=0.8, linewidth=1, elinewidth=0.7, capsize=1.4, capthick=0.6, label=tool,
                      zorder=3 if tool == "rung" else 2)
    axes.set_xscale("log")
    sizes = sorted({int(row["steps"]) for rows in tools.values() for row in rows})
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("steps")


def draw(tables, paths):
    """Two panels, together 7 inches wide: both columns of a paper."""
    plt.rcParams.update(
        {
            "font.family": "STIXGeneral",
            "mathtext.fontset": "stix",
            "font.size": 9,
            "axes.linewidth": 0.6,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "xtick.major.width": 0.6,
            "ytick.major.width": 0.6,
            "xtick.minor.width": 0.4,
            "ytick.minor.width": 0.4,
            "svg.hashsalt": "benchmarks",
        }
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.7), layout="constrained")
    look = styles(tables)
    lines(left, tables["nothing"], look, "wall_s", "least_s", "most_s")
    left.set_yscale("log")
    left.set_ylabel("nothing changed, ms")
    left.legend(frameon=False, fontsize=8, handlelength=1.6)
    lines(right, tables["cold"], look, "over_s")
    right.set_yscale("symlog", linthresh=1)
    right.axhline(0, color="#7a7a7a", linewidth=0.5, linestyle=(0, (1, 2)), zorder=0)
    right.set_ylabel("cold, ms a step over the bare command")

    for axes in (left, right):
        axes.margins(y=0.08)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))

    # No date, no version of the library: the same numbers give the same bytes.
    for path in paths:
        metadata = {"Software": None} if path.endswith(".png") else {"Date": None, "Creator": None}
        figure.savefig(path, dpi=400, metadata=metadata)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", required=True, help="the .csv that table.py wrote")
    parser.add_argument("--figures", nargs="+", required=True, help="the .svg and .png to write")
    arguments = parser.parse_args()
    draw(read(arguments.table), arguments.figures)


if __name__ == "__main__":
    main()
