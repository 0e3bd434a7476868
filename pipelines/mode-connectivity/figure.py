"""Draws the barriers between trained networks over the width, and the losses along their paths; sums both up in numbers.

Panels: the loss along the paths of one pair; the barriers over the width, means over pairs with 95 % intervals, and what
theory says of their decay; the loss along the best curve at width one, where the theory's bound is met. The summary has
a list of cells, one for each width: the means and half their intervals; and `exponents`: for each pair the slope of
ln barrier against ln width from FROM on, as the mean over pairs with its 95 % interval. (A mean of slopes, because the
barriers of matched units differ between tasks by more than the factor that one width makes.)
"""

import argparse
import json

import experiment
import numpy as np

SHOWN, FROM = 16, 8  # the width of the first panel; the least width of power laws
COLUMNS = {"line": "line.barrier", "matched": "matched.barrier", "curve": "curve.barrier", "rise": "rise", "half": "half"}


def cells(rows):
    found = []
    for width, members in experiment.groups(rows, "width").items():
        cell = {"width": width, "replicates": len(members)}
        for name, column in COLUMNS.items():
            values = [row[column] for row in members if row[column] is not None]
            cell[name], cell[name + "_half_interval"] = experiment.mean_and_half(values) if values else (None, None)
        found.append(cell)
    return sorted(found, key=lambda cell: cell["width"])


def exponents(rows):
    """The decay of each barrier with width, pair by pair: {"value", "interval", "n"}."""
    found = {}
    for name in ("line", "matched", "curve", "half"):
        slopes = []
        for members in experiment.groups(rows, "seed").values():
            wide = [row for row in members if row["width"] >= FROM]
            if len(wide) > 1:
                widths, values = [row["width"] for row in wide], [row[COLUMNS[name]] for row in wide]
                slopes.append(experiment.slope(widths, values))
        if slopes:
            mean, half = experiment.mean_and_half(slopes)
            found[name] = {"value": mean, "interval": [mean - half, mean + half], "n": len(slopes)}
    return found


def along(rows, width, path):
    """The losses along one path, for each pair of a width."""
    return [np.array(json.loads(row[path + ".along"])) for row in rows if row["width"] == width]


def decay(axes, cells, name, exponent, at, **style):
    """The power law of an exponent through the cell of a width."""
    known = {cell["width"]: cell[name] for cell in cells if cell[name] is not None and cell["width"] >= FROM}
    if len(known) > 1:
        at = at if at in known else max(known)
        widths = np.array([min(known), max(known)], float)
        axes.plot(widths, known[at] * (widths / at) ** exponent, **style)


def draw(rows, found, theory, paths):
    plt = experiment.pyplot("mode-connectivity")
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    figure, (one, many, narrow) = plt.subplots(
        1, 3, figsize=(7, 3.3), layout="constrained", gridspec_kw={"width_ratios": [1, 1.25, 0.9]}
    )
    widths = [cell["width"] for cell in found]
    shown = SHOWN if SHOWN in widths else widths[-1]
    styles = {
        "line": (experiment.MEASURED, "o", "straight line"),
        "halves": (experiment.BROKEN, "D", "through halves"),
        "matched": (experiment.SERIES[2], "s", "units matched"),
        "curve": (experiment.SERIES[4], "^", "trained curve"),
    }
    for path, (color, _, label) in styles.items():
        losses = along(rows, shown, path)[0]
        one.plot(np.linspace(0, 1, len(losses)), losses, color=color, label=label, linewidth=1)
    one.set(yscale="log", xlabel="position on the path", ylabel="loss", xlim=(0, 1))
    one.set_title(f"one pair of width {shown}", loc="left")

    def measured(name, color, marker, label):
        known = [cell for cell in found if cell[name] is not None and (name != "half" or cell["width"] > 1)]
        means = [cell[name] for cell in known]
        ends = [cell[name + "_half_interval"] for cell in known]
        # An interval that reaches below zero is cut; its upper half tells its length.
        lower = [min(half, 0.9 * mean) for half, mean in zip(ends, means)]
        experiment.points(many, [cell["width"] for cell in known], means, [lower, ends], color, label, marker)

    measured("half", experiment.QUIET, "v", "a half left out")
    for path, (color, marker, label) in styles.items():
        measured("rise" if path == "halves" else path, color, marker, label)
    line = {"color": experiment.PREDICTED, "zorder": 1, "linewidth": 1}
    decay(many, found, "half", theory["half_exponent"], widths[-1], label=r"theory, width$^{-1}$", **line)
    label = rf"bound, width$^{{{theory['matched_exponent']:.2f}}}$"
    decay(many, found, "matched", theory["matched_exponent"], FROM, linestyle=(0, (4, 2)), label=label, **line)
    many.set(xscale="log", yscale="log", xlabel="width", ylabel="barrier, or rise of the loss")
    many.xaxis.set_major_locator(FixedLocator(widths))
    many.xaxis.set_minor_locator(NullLocator())
    many.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    many.set_title(f"{found[0]['replicates']} pairs a width", loc="left")
    low, high = many.get_ylim()
    many.set_ylim(low / 100, high)
    many.legend(loc="lower left", ncols=2, columnspacing=0.8)

    narrow.axhline(theory["zero_loss"], color=experiment.PREDICTED, label="least possible maximum")
    for index, losses in enumerate(along(rows, 1, "curve")):
        narrow.plot(
            np.linspace(0, 1, len(losses)), losses, color=styles["curve"][0], linewidth=0.6, alpha=0.8,
            label=None if index else "trained curves",
        )
    narrow.set(xlabel="position on the path", ylabel="loss", xlim=(0, 1), ylim=(0, 0.68))
    narrow.set_title("width 1: disconnected", loc="left")
    narrow.legend(loc="upper right")
    experiment.save(figure, *paths)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measured", required=True, help="a table of what measure.py wrote")
    parser.add_argument("--predicted", required=True, help="the .json that theory.py wrote")
    parser.add_argument("--figures", nargs="+", required=True, help="the .svg and .png to write")
    parser.add_argument("--summary", required=True, help="the .json to write")
    arguments = parser.parse_args()

    rows, theory = experiment.read_table(arguments.measured), experiment.read_json(arguments.predicted)
    found = cells(rows)
    draw(rows, found, theory, arguments.figures)
    experiment.write_json(arguments.summary, {"cells": found, "exponents": exponents(rows), "predicted": theory})


if __name__ == "__main__":
    main()
