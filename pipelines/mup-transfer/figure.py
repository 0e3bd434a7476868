"""Draws the loss against the learning rate for every width, and the best rate against the width; sums it up in numbers.

The sweep is one CSV row for each parameterisation, width, learning rate and seed. ln loss is averaged over seeds;
valley.py finds the best rate of each parameterisation and width. Everything is computed again with each seed left out
(jackknife), which gives 95 % intervals by Student's t. The summary's fields, each {"value", "interval", "n"} unless
said:

    rate_exponent/P       the slope of ln best rate against ln width, for P = sp, mup
    moved_exponent/P/L    the same for the movement of layer L = first, second, at the best rate
    transfer_loss/P       at the largest width: the loss with the rate that is best at the smallest width, over the
                          loss with the rate that is best here
    wider_loss/P          with the rate that is best at the smallest width: the loss at the largest width over that
                          at the smallest
    cells                 (plain) parameterisation, width, best_rate, its interval, best_loss
    instances, diverged   (plain) how many networks were trained, and how many of them reported no finite loss
"""

import argparse
import math

import numpy as np
from scipy.stats import t

import experiment
import valley

NAMES = {"sp": "standard", "mup": r"$\mu$P"}
COLOURS = {"sp": experiment.MEASURED, "mup": experiment.PREDICTED}
LAYERS = ["first", "second"]


class Sweep:
    """The table as arrays: for each parameterisation and width ln loss and ln movement, (seeds, rates)."""

    def __init__(self, rows):
        self.seeds = sorted({row["seed"] for row in rows})
        self.rates = np.array(sorted({row["rate"] for row in rows}))
        self.octaves = np.log2(self.rates)
        self.widths = sorted({row["width"] for row in rows})
        self.cells = {}
        for key, cell in experiment.groups(rows, "parameterisation", "width").items():
            found = {(row["seed"], row["rate"]): row for row in cell}
            ordered = [[found[seed, rate] for rate in self.rates] for seed in self.seeds]
            self.cells[key] = {"loss": np.log([[row["loss"] for row in line] for line in ordered])}
            for layer in LAYERS:
                moved = [[row[f"{layer}_moved"] for row in line] for line in ordered]
                self.cells[key][layer] = np.log([[math.nan if m is None else m for m in line] for line in moved])

    def numbers(self, half, keep):
        """Every number of the summary as a flat dictionary, from the seeds of the mask `keep`."""
        found = {}
        for name in NAMES:
            best = {}
            moved = {layer: [] for layer in LAYERS}
            for width in self.widths:
                cell = self.cells[name, width]
                loss = cell["loss"][keep].mean(axis=0)
                best[width] = valley.bottom(self.octaves, loss, half)
                found[name, "rate", width] = 2 ** best[width]
                found[name, "loss", width] = math.exp(valley.between(self.octaves, loss, best[width]))
                for layer in LAYERS:
                    with np.errstate(invalid="ignore"):
                        curve = cell[layer][keep].mean(axis=0)  # nan where a seed diverged
                    finite = np.isfinite(curve)
                    moved[layer].append(math.exp(valley.between(self.octaves[finite], curve[finite], best[width])))
            narrowest, widest = self.widths[0], self.widths[-1]
            loss = self.cells[name, widest]["loss"][keep].mean(axis=0)
            there = valley.between(self.octaves, loss, best[narrowest])
            found[name, "rate exponent"] = experiment.slope(self.widths, [2 ** best[width] for width in self.widths])
            for layer in LAYERS:
                found[name, "moved exponent", layer] = experiment.slope(self.widths, moved[layer])
            found[name, "transfer"] = math.exp(there) / found[name, "loss", widest]
            found[name, "wider"] = math.exp(there) / found[name, "loss", narrowest]
        return found


def jackknifed(sweep, half):
    """For every number its value and 95 % interval; of positive numbers by their logarithms, of exponents plainly."""
    count = len(sweep.seeds)
    whole = sweep.numbers(half, np.ones(count, bool))
    without = [sweep.numbers(half, np.arange(count) != seed) for seed in range(count)]
    result = {}
    for key, value in whole.items():
        scale, back = (float, float) if key[1].endswith("exponent") else (math.log, math.exp)
        left = np.array([scale(numbers[key]) for numbers in without])
        error = math.sqrt((count - 1) * np.mean((left - left.mean()) ** 2))
        reach = float(t.ppf(0.975, count - 1)) * error
        centre = scale(value)
        result[key] = {"value": value, "interval": [back(centre - reach), back(centre + reach)], "n": count}
    return result


def summarise(sweep, numbers, diverged):
    """The fields that the top of this file lists."""
    return {
        "rate_exponent": {name: numbers[name, "rate exponent"] for name in NAMES},
        "moved_exponent": {
            name: {layer: numbers[name, "moved exponent", layer] for layer in LAYERS} for name in NAMES
        },
        "transfer_loss": {name: numbers[name, "transfer"] for name in NAMES},
        "wider_loss": {name: numbers[name, "wider"] for name in NAMES},
        "cells": [
            {
                "parameterisation": name,
                "width": width,
                "best_rate": numbers[name, "rate", width]["value"],
                "interval": numbers[name, "rate", width]["interval"],
                "best_loss": numbers[name, "loss", width]["value"],
            }
            for name in NAMES
            for width in sweep.widths
        ],
        "instances": len(sweep.cells) * len(sweep.rates) * len(sweep.seeds),
        "diverged": diverged,
    }


def draw(sweep, numbers, theory, paths):
    """Three panels, 7 inches wide: the valleys of both parameterisations, and where their bottoms lie."""
    plt = experiment.pyplot("mup-transfer")
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

    figure, (left, middle, right) = plt.subplots(
        1, 3, figsize=(7, 2.5), layout="constrained", gridspec_kw={"width_ratios": [1, 1, 0.95]}
    )
    shades = plt.get_cmap("viridis_r")(np.linspace(0.12, 0.95, len(sweep.widths)))
    top = 1.6
    lowest = min(numbers[name, "loss", width]["value"] for name in NAMES for width in sweep.widths)
    for panel, name in ((left, "sp"), (middle, "mup")):
        for width, shade in zip(sweep.widths, shades):
            columns = [experiment.mean_and_half(column) for column in sweep.cells[name, width]["loss"].T]
            mean, half = map(np.array, zip(*columns))
            panel.fill_between(
                sweep.rates, np.exp(mean - half), np.exp(mean + half), color=shade, alpha=0.13, linewidth=0
            )
            panel.plot(sweep.rates, np.exp(mean), color=shade, marker="o", markersize=2, linewidth=1, label=f"{width}")
            panel.plot(
                numbers[name, "rate", width]["value"], numbers[name, "loss", width]["value"],
                marker="v", markersize=4.5, color=shade, markeredgecolor="black", markeredgewidth=0.5, zorder=4,
            )
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_ylim(lowest / 1.25, top)
        panel.yaxis.set_major_locator(FixedLocator([0.1, 0.2, 0.3, 0.5, 1]))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.set_xlabel(r"learning rate $\eta$")
    left.plot(0.06, 0.95, marker="v", markersize=4.5, color="white", markeredgecolor="black", markeredgewidth=0.5,
              transform=left.transAxes)
    left.text(0.1, 0.95, "parabola's bottom", va="center", fontsize=7.5, transform=left.transAxes)
    left.set_title("(a) standard parameterisation")
    middle.set_title(r"(b) maximal update ($\mu$P)")
    left.set_ylabel(r"loss $\langle (f(x)-y)^2\rangle$ in training")
    middle.set_yticklabels([])
    legend = middle.legend(
        title=r"width $n$", loc="upper left", bbox_to_anchor=(0.0, 0.62), title_fontsize=7.5, handlelength=1,
        labelspacing=0.2, borderaxespad=0.1,
    )
    legend._legend_box.align = "left"

    widths = np.array(sweep.widths, float)
    for name in NAMES:
        cells = [numbers[name, "rate", width] for width in sweep.widths]
        values = np.array([cell["value"] for cell in cells])
        ends = np.array([cell["interval"] for cell in cells])
        # The theory predicts the exponent; the line's height is that of the points' geometric mean.
        exponent = theory[name]["rate"]
        line = np.exp(np.log(values).mean()) * (widths / np.exp(np.log(widths).mean())) ** exponent
        right.plot(widths, line, color=COLOURS[name], label=f"theory, exponent ${exponent:d}$")
        marker = "o" if name == "sp" else "s"
        experiment.points(
            right, widths, values, [values - ends[:, 0], ends[:, 1] - values], color=COLOURS[name],
            label=f"measured, {NAMES[name]}", marker=marker,
        )
    right.set_xscale("log")
    right.set_yscale("log")
    low, high = right.get_ylim()
    right.set_ylim(low / 4.5, high * 1.2)
    right.xaxis.set_major_locator(FixedLocator(sweep.widths))
    right.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    right.xaxis.set_minor_formatter(NullFormatter())
    right.xaxis.set_minor_locator(NullLocator())
    right.set_xlabel("width $n$")
    right.set_ylabel(r"best learning rate $\eta_*$")
    right.set_title("(c) where the best rate lies")
    right.legend(loc="lower left", labelspacing=0.25, borderaxespad=0.1)
    experiment.save(figure, *paths)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sweep", required=True, help="the table of the fine sweep")
    parser.add_argument("--theory", required=True, help="the .json that theory.py wrote")
    parser.add_argument("--half", type=float, required=True, help="the parabola's reach in octaves, see valley.py")
    parser.add_argument("--figures", nargs="+", required=True, help="the .svg and .png to write")
    parser.add_argument("--summary", required=True, help="the .json to write")
    arguments = parser.parse_args()

    rows = experiment.read_table(arguments.sweep)
    sweep = Sweep(rows)
    numbers = jackknifed(sweep, arguments.half)
    diverged = sum(row["diverged"] in (True, "true") for row in rows)
    draw(sweep, numbers, experiment.read_json(arguments.theory), arguments.figures)
    experiment.write_json(arguments.summary, summarise(sweep, numbers, diverged))


if __name__ == "__main__":
    main()
