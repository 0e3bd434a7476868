"""Draws the losses against time and against compute with the theory, and where the laws end.

Left: the loss of each width, mean of the seeds with 95 % intervals, and the theory. Middle: the same against compute,
the frontier of the small runs continued, and the large run that it foretells. Right: models of one width, with fresh
data (theory) and with data used again, and the power law of the early steps continued. The summary's fields:

    final      for each width the last loss: measured with its 95 % interval, and predicted
    reuse      for each number of epochs the same, predicted for fresh data, and the examples for each feature
    laws       the exponents and ratios of scaling.py
"""

import argparse
import json

import numpy as np

import experiment


def curves(path, axis):
    """For each value of the axis: the mean losses over the seeds, half their 95 % intervals, the number of seeds."""
    found = {}
    for value, rows in experiment.groups(experiment.read_table(path), axis).items():
        losses = np.array([json.loads(row["loss"]) for row in rows])
        means, halves = np.transpose([experiment.mean_and_half(column) for column in losses.T])
        found[value] = (means, halves, len(rows))
    return found


def cell(curve, predicted, **names):
    means, halves, n = curve
    interval = [means[-1] - halves[-1], means[-1] + halves[-1]]
    return {**names, "measured": {"value": means[-1], "interval": interval, "n": n}, "predicted": predicted}


def draw(arguments, measured, theory, reuse, one_pass, laws, exponents, step):
    plt = experiment.pyplot("scaling-laws")
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(7, 2.5), layout="constrained", sharey=True)
    ranges, batch = arguments.ranges, arguments.batch
    widths = sorted(measured)
    shades = plt.cm.viridis(np.linspace(0, 0.88, len(widths)))
    some = np.unique(np.append(np.arange(0, len(step), 4), len(step) - 1))

    for color, width in zip(shades, widths):
        means, halves, _ = measured[width]
        left.plot(step, theory[width], color=color, zorder=2)
        experiment.points(left, step[some], means[some], halves[some], color=color)
        left.annotate(
            f"{width}", (step[-1], theory[width][-1]), xytext=(4, 0), textcoords="offset points", va="center",
            fontsize=7.5, color=color,
        )
    left.annotate(
        "width", (step[-1], theory[widths[0]][-1]), xytext=(-1, 8), textcoords="offset points", fontsize=8,
        color="#555555",
    )
    left.set_xlim(0.8, step[-1] * 3.2)
    left.set_xlabel("steps $t$")
    left.set_ylabel("test error $L$")
    left.set_title("curves: measured and theory", loc="left")

    for color, width in zip(shades, widths):
        compute = step * batch * width
        shown = compute <= 3e6
        middle.plot(compute[shown], measured[width][0][shown], color=color, linewidth=0.9)
    widest, small = widths[-1], ranges["small"]
    foretold, target = laws["foretold"]["value"], widest * ranges["large"] * batch
    cheap = np.array(ranges["cheap"])
    for compute, style, label in (
        (cheap, {"linewidth": 2}, f"fitted, widths $\\leq$ {small}"),
        (np.array([cheap[1], target]), {"linestyle": (0, (3, 2))}, "continued"),
    ):
        line = foretold * (compute / target) ** -laws["cheap"]["value"]
        middle.plot(compute, line, color=experiment.MEASURED, zorder=4, label=label, **style)
    large = laws["large"]
    middle.plot(
        [target], [large["value"]], color=experiment.MEASURED, marker="*", markersize=8, markerfacecolor="white",
        linestyle="none", zorder=5, label=f"large run, width {widest}",
    )
    middle.set_xlabel("compute $C$ = width $\\times$ examples")
    middle.set_title("frontier, theory $L\\sim C^{-%.3g}$" % exponents["compute"], loc="left")
    middle.legend(loc="lower left", borderaxespad=0)

    right.axvspan(*ranges["early"], color="#eeeeee", zorder=0, linewidth=0)
    right.annotate(
        "fitted", (np.sqrt(np.prod(ranges["early"])), 1), xycoords=("data", "axes fraction"), xytext=(0, -2),
        textcoords="offset points", ha="center", va="top", fontsize=8, color="#555555",
    )
    right.plot(step, one_pass, color=experiment.PREDICTED, label="theory, fresh data")
    early = (step >= ranges["early"][0]) & (step <= ranges["early"][1])
    own, start = np.polyfit(np.log(step[early]), np.log(measured[small][0][early]), 1)
    after = step[step >= ranges["early"][0]]
    right.plot(
        after, np.exp(start) * after**own, color=experiment.BROKEN, linestyle=(0, (3, 2)),
        label="early power law continued",
    )
    chosen = [epochs for epochs in (8, 32, 128) if epochs in reuse] or sorted(reuse)
    markers = ["o", "s", "^", "v", "D", "P"]
    colors = [experiment.SERIES[2], experiment.SERIES[4], experiment.MEASURED] * 2
    for epochs, marker, color in zip(chosen, markers, colors):
        means, halves, _ = reuse[epochs]
        label = f"{epochs} epochs"
        experiment.points(right, step[some], means[some], halves[some], color=color, marker=marker, label=label)
    right.set_xlabel("steps $t$")
    right.set_title(f"width {small}: where laws end", loc="left")
    right.legend(loc="lower left", borderaxespad=0)

    for axes in (left, middle, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
    floor = min(curve.min() for curve in theory.values())
    left.set_ylim(floor / 1.9, 2.2)
    for path in arguments.figures:
        experiment.save(figure, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--ranges", type=json.loads, required=True, help="the ranges of the fits, as JSON")
    parser.add_argument("--measured", required=True, help="a table with the columns width, seed, loss")
    parser.add_argument("--theory", required=True, help="a table with the columns width, step, loss")
    parser.add_argument("--laws", required=True, help="the .json that scaling.py wrote")
    parser.add_argument("--exponents", required=True, help="the .json that exponents.py wrote")
    parser.add_argument("--reuse", required=True, help="a table with the columns epochs, seed, loss")
    parser.add_argument("--reuse-theory", required=True, help="the .json that theory.py wrote for their width")
    parser.add_argument("--figures", nargs="+", required=True, help="the .svg and .png to write")
    parser.add_argument("--summary", required=True, help="the .json to write")
    arguments = parser.parse_args()

    measured, reuse = curves(arguments.measured, "width"), curves(arguments.reuse, "epochs")
    rows = experiment.read_table(arguments.theory)
    step = np.array(json.loads(rows[0]["step"]))
    theory = {row["width"]: np.array(json.loads(row["loss"])) for row in rows}
    one_pass, laws = experiment.read_json(arguments.reuse_theory), experiment.read_json(arguments.laws)
    exponents = experiment.read_json(arguments.exponents)
    draw(arguments, measured, theory, reuse, np.array(one_pass["loss"]), laws, exponents, step)
    pool = arguments.steps * arguments.batch / arguments.ranges["small"]
    summary = {
        "final": [cell(curve, theory[width][-1], width=width) for width, curve in measured.items()],
        "reuse": [
            cell(curve, one_pass["final"], epochs=epochs, examples_per_feature=pool / epochs)
            for epochs, curve in reuse.items()
        ],
        "laws": laws,
    }
    experiment.write_json(arguments.summary, summary)


if __name__ == "__main__":
    main()
