"""Draws the measured sharpness against the thresholds of stability, and sums the comparison up in numbers.

Panels: a run for each step size, over steps; what the sharpness settles at, over step sizes; the same over momentum;
and the runs that the theory is not about (small batches, cross-entropy), as sharpness times step size, over steps.
Points are means over seeds with their 95 % intervals. The summary has a list of cells for each of the last three
panels.
"""

import argparse
import json

import experiment
import numpy as np
from theory import threshold


def cells(rows, value, predicted, *axes):
    """One cell for each combination of axes: the axes, the mean, half its interval, and what is predicted."""
    found = []
    for key, members in experiment.groups(rows, *axes).items() if axes else [((), rows)]:
        values = [row[value] for row in members if row[value] is not None]
        mean, half = experiment.mean_and_half(values) if values else (None, None)
        cell = dict(zip(axes, key if isinstance(key, tuple) else (key,)))
        cell.update(measured=mean, half=half, predicted=predicted(cell), replicates=len(values))
        found.append(cell)
    return found


def mean_curve(rows, scale):
    """Steps and the mean over runs of a sharpness times a scale, as far as all runs go."""
    curves = [scale * np.array(json.loads(row["sharpness"])) for row in rows]
    length = min(map(len, curves))
    return np.array(json.loads(rows[0]["step"]))[:length], np.mean([curve[:length] for curve in curves], axis=0)


def draw(arguments, plain, momentum, batches, entropy, summary):
    plt = experiment.pyplot("edge-of-stability")
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    figure, ((runs, law), (rules, broken)) = plt.subplots(2, 2, figsize=(7, 4.7), layout="constrained")
    colors = experiment.SERIES
    rates = [cell["eta"] for cell in summary["plain"]]
    last = json.loads(plain[0]["step"])[-1]

    for color, (rate, rows) in zip(colors, experiment.groups(plain, "eta").items()):
        runs.axhline(2 / rate, color=color, linewidth=0.7, linestyle=(0, (4, 3)), zorder=1)
        runs.plot(json.loads(rows[0]["step"]), json.loads(rows[0]["sharpness"]), color=color, linewidth=1)
        runs.annotate(
            rf"$\eta = {rate:g}$", (last, 2 / rate), xytext=(4, 0), textcoords="offset points", va="center",
            fontsize=7.5, color=color,
        )
    runs.set(xlabel="step", ylabel="sharpness", xlim=(0, last), ylim=(0, None))
    runs.set_title(r"one seed; dashed: $2/\eta$", loc="left")

    line = np.geomspace(min(rates) / 1.12, max(rates) * 1.12, 50)
    law.plot(line, 2 / line, color=experiment.PREDICTED, label=r"theory, $2/\eta$")
    experiment.points(
        law, rates, [cell["measured"] for cell in summary["plain"]], [cell["half"] for cell in summary["plain"]],
        label="measured, mean of seeds",
    )
    law.set(xscale="log", yscale="log", xlabel=r"step size $\eta$", ylabel="sharpness at the end")
    law.xaxis.set_major_locator(FixedLocator(rates))
    law.yaxis.set_major_locator(FixedLocator([2, 3, 4, 6, 8, 10]))
    for axis in (law.xaxis, law.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_locator(NullLocator())
    law.set_title("gradient descent", loc="left")
    law.legend(loc="upper right")

    betas = [cell["beta"] for cell in summary["momentum"]]
    line = np.linspace(0, max(betas) + 0.08, 50)
    names = {"heavy": r"heavy ball, $(2+2\beta)/\eta$", "nesterov": r"Nesterov, $(2+2\beta)/(\eta(1+2\beta))$"}
    rules.axhline(2 / arguments.rate, color=experiment.QUIET, linewidth=0.7, linestyle=(0, (1, 2)), zorder=0)
    rules.annotate(
        r"$2/\eta$", (line[-1], 2 / arguments.rate), xytext=(-2, 2), textcoords="offset points", ha="right",
        fontsize=7.5, color=experiment.QUIET,
    )
    for rule, color, marker in (("heavy", experiment.PREDICTED, "o"), ("nesterov", "#2a7f62", "s")):
        rules.plot(line, [threshold(rule, arguments.rate, beta) for beta in line], color=color, label=names[rule])
        own = [cell for cell in summary["momentum"] if cell["rule"] == rule]
        experiment.points(
            rules, [c["beta"] for c in own], [c["measured"] for c in own], [c["half"] for c in own],
            color=experiment.MEASURED, marker=marker,
        )
    rules.set(xlabel=r"momentum $\beta$", ylabel="sharpness at the end", xlim=(0, line[-1]), ylim=(0, 6.9))
    rules.set_title(rf"momentum, $\eta = {arguments.rate:g}$", loc="left")
    rules.legend(loc="lower left")

    broken.axhline(2, color=experiment.PREDICTED, linewidth=1.2, label="edge of stability")
    shades = dict(zip(sorted({row["batch"] for row in batches}, reverse=True), ("#7a4a1e", "#b58900", "#d8b94a")))
    full = [row for row in plain if row["eta"] == max(rates)]
    steps, curve = mean_curve(full, max(rates))
    broken.plot(steps, curve, color=experiment.QUIET, linewidth=0.9, label=f"all {arguments.samples} samples a step")
    for batch, color in shades.items():
        steps, curve = mean_curve([row for row in batches if row["batch"] == batch], arguments.rate)
        broken.plot(steps, curve, color=color, label=f"{batch} samples a step")
    steps, curve = mean_curve(entropy, arguments.quick)
    broken.plot(steps, curve, color=experiment.SERIES[4], label="all samples, cross-entropy")
    broken.set(xlabel="step", ylabel=r"sharpness $\times\ \eta$", xlim=(0, last), ylim=(0, None))
    broken.set_title("where it breaks; means of seeds", loc="left")
    top = broken.get_ylim()[1]
    broken.set_ylim(0, max(4.6, 1.3 * top))
    broken.legend(loc="upper right", ncols=1)
    experiment.save(figure, *arguments.figures)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="step size with momentum or small batches")
    parser.add_argument("--quick", type=float, required=True, help="step size with cross-entropy")
    for name in ("plain", "momentum", "batches", "entropy"):
        parser.add_argument(f"--{name}", required=True, help="a table of what measure.py wrote")
    parser.add_argument("--figures", nargs="+", required=True, help="the .svg and .png to write")
    parser.add_argument("--summary", required=True, help="the .json to write")
    arguments = parser.parse_args()

    names = "plain", "momentum", "batches", "entropy"
    tables = [experiment.read_table(getattr(arguments, name)) for name in names]
    plain, momentum, batches, entropy = tables
    rate = arguments.rate
    summary = {
        "plain": cells(plain, "plateau", lambda cell: 2 / cell["eta"], "eta"),
        "momentum": cells(momentum, "plateau", lambda c: threshold(c["rule"], rate, c["beta"]), "rule", "beta"),
        "batches": cells(batches, "times_rate", lambda cell: 2.0, "batch"),
        "entropy": cells(entropy, "times_rate", lambda cell: 2.0),
        "entropy_peak": cells(entropy, "peak_times_rate", lambda cell: 2.0),
        "diverged": sum(row["plateau"] is None for table in tables for row in table),
        "runs": sum(map(len, tables)),
    }
    draw(arguments, plain, momentum, batches, entropy, summary)
    experiment.write_json(arguments.summary, summary)


if __name__ == "__main__":
    main()
