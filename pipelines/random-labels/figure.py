"""Draws what networks and neighbours make of corrupted labels, and how many dichotomies are separable. Three panels:

    (a) accuracy on the corrupted training labels and on clean test digits, against the share of corrupted labels
    (b) how far the test error goes from its clean value to chance: one neighbour follows the share exactly
    (c) the share of separable dichotomies against points per dimension, with Cover's count

The summary's fields:

    capacity/general/K, capacity/flat   {"value", "interval"}: points per dimension at which half of the dichotomies are
                     separable, for K = gaussian, digits; where the straight lines between the measured shares cross
                     1/2, and the interval where those between the ends of their 95 % intervals do
    slowdown         {"value", "interval", "n"}: epochs until all labels are fitted, all corrupted over none, geometric
                     mean over seeds
    drawn, rounds    dichotomies drawn, and rounds of the loop, in all
"""

import argparse
import json
import math

import numpy as np

import experiment

CLASSES = 10


def crossing(loads, shares):
    """Where a falling curve goes through 1/2, on straight lines; its first or last load if it does not."""
    return float(np.interp(-0.5, -np.array(shares), loads))


def capacities(rows):
    """The fields below capacity."""
    found = {}
    for kind, same in experiment.groups(sorted(rows, key=lambda row: row["load"]), "points").items():
        loads = [row["load"] for row in same]
        low, high = zip(*(json.loads(row["share.interval"]) for row in same))
        ends = sorted([crossing(loads, low), crossing(loads, high)])
        found[kind] = {"value": crossing(loads, [row["share.value"] for row in same]), "interval": ends}
    return {"general": {kind: found[kind] for kind in found if kind != "flat"}, "flat": found["flat"]}


def slowdown(rows, width):
    """The field of that name, for the network of this width."""
    epochs = {(row["share"], row["seed"]): row["epochs"] for row in rows if row["width"] == width}
    seeds = sorted({seed for _, seed in epochs})
    mean, half = experiment.mean_and_half([math.log(epochs[1, seed] / epochs[0, seed]) for seed in seeds])
    return {"value": math.exp(mean), "interval": [math.exp(mean - half), math.exp(mean + half)], "n": len(seeds)}


def by_share(rows, value):
    """Shares, means and halves of 95 % intervals of a function of a row."""
    found = sorted(experiment.groups(rows, "share").items())
    means, halves = zip(*(experiment.mean_and_half([value(row) for row in same]) for _, same in found))
    return [share for share, _ in found], means, halves


def draw_accuracy(axes, learned):
    for (width, rows), colour in zip(
        reversed(experiment.groups(learned, "width").items()), (experiment.PREDICTED, experiment.BROKEN)
    ):
        for field, marker, style in (("training", "o", "-"), ("test", "s", (0, (3, 2)))):
            shares, means, halves = by_share(rows, lambda row: row[field])
            axes.plot(shares, means, color=colour, linestyle=style, linewidth=0.8, zorder=2)
            experiment.points(axes, shares, means, halves, colour, f"{width} units, {field}", marker)
    axes.axhline(1 / CLASSES, color=experiment.QUIET, linewidth=0.6, linestyle=(0, (1, 2)))
    axes.text(0.02, 1 / CLASSES - 0.015, "chance", color=experiment.QUIET, fontsize=7.5, va="top")
    axes.set_ylim(0, 1.03)
    axes.set_xlabel("share of corrupted labels $p$")
    axes.set_ylabel("accuracy")
    axes.set_title("(a) networks", pad=31)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.2, 1.0), ncols=2, columnspacing=0.7, labelspacing=0.25,
                borderaxespad=0.1, handletextpad=0.3)


def draw_way(axes, learned, neighbours, width, votes):
    """From the clean error to chance; the network's clean error is that of the same seed without corruption."""
    clean = {row["seed"]: 1 - row["test"] for row in learned if row["width"] == width and row["share"] == 0}

    def way(row):
        return (1 - row["test"] - clean[row["seed"]]) / (1 - 1 / CLASSES - clean[row["seed"]])

    axes.plot([0, 1], [0, 1], color="black", linewidth=1, label="law of one neighbour", zorder=1)
    series = (
        (neighbours, lambda row: row["followed"], experiment.MEASURED, "one neighbour", "o"),
        (neighbours, lambda row: row["voted"], experiment.BROKEN, f"{votes} neighbours", "^"),
        ([row for row in learned if row["width"] == width], way, experiment.PREDICTED, f"{width} units", "s"),
    )
    for rows, value, colour, label, marker in series:
        shares, means, halves = by_share(rows, value)
        experiment.points(axes, shares, means, halves, colour, label, marker)
    axes.set_xlabel("share of corrupted labels $p$")
    axes.set_ylabel("way from clean error to chance")
    axes.set_title("(b) test error", pad=31)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.2, 1.0), ncols=2, columnspacing=0.7, labelspacing=0.25,
                borderaxespad=0.1, handletextpad=0.3)


def draw_dichotomies(axes, rows, curve, dimension):
    axes.plot(np.arange(1, len(curve) + 1) / dimension, curve, color="black", linewidth=1, label="Cover 1965", zorder=1)
    looks = {
        "gaussian": ("o", experiment.MEASURED, "Gaussian points"),
        "digits": ("s", experiment.PREDICTED, "digits, projected"),
        "flat": ("^", experiment.BROKEN, "points in $d/2$ dim."),
    }
    for kind, (marker, colour, label) in looks.items():
        same = sorted((row for row in rows if row["points"] == kind), key=lambda row: row["load"])
        values = np.array([row["share.value"] for row in same])
        low, high = np.array([json.loads(row["share.interval"]) for row in same]).T
        drawn = experiment.points(
            axes, [row["load"] for row in same], values, [values - low, high - values], colour, label, marker
        )
        drawn[0].set_markersize(4.5 if kind == "gaussian" else 3)  # so that it is seen behind the digits
    axes.axvline(2, color=experiment.QUIET, linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
    axes.set_xlabel(f"points per dimension $N/d$,  $d={dimension}$")
    axes.set_ylabel("separable dichotomies")
    axes.set_title("(c) linear separability", pad=31)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.2, 1.0), ncols=2, columnspacing=0.7, labelspacing=0.25,
                borderaxespad=0.1, handletextpad=0.3)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learned", required=True, help="the table of networks")
    parser.add_argument("--neighbours", required=True, help="the table of neighbours")
    parser.add_argument("--dichotomies", required=True, help="the table of counted dichotomies")
    parser.add_argument("--cover", required=True, help="the table of exact counts")
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--votes", type=int, required=True)
    parser.add_argument("--figures", nargs="+", required=True, help="the .svg and .png to write")
    parser.add_argument("--summary", required=True, help="the .json to write")
    arguments = parser.parse_args()

    learned = experiment.read_table(arguments.learned)
    dichotomies = experiment.read_table(arguments.dichotomies)
    widest = max(row["width"] for row in learned)
    exact = max(experiment.read_table(arguments.cover), key=lambda row: row["points"])

    plt = experiment.pyplot("random-labels")
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(7, 2.7), layout="constrained")
    draw_accuracy(left, learned)
    draw_way(middle, learned, experiment.read_table(arguments.neighbours), widest, arguments.votes)
    draw_dichotomies(right, dichotomies, json.loads(exact["curve"]), arguments.dimension)
    experiment.save(figure, *arguments.figures)
    experiment.write_json(
        arguments.summary,
        {
            "capacity": capacities(dichotomies),
            "slowdown": slowdown(learned, widest),
            "drawn": sum(row["drawn"] for row in dichotomies),
            "rounds": sum(row["rounds"] for row in dichotomies),
        },
    )


if __name__ == "__main__":
    main()
