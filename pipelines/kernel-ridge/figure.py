"""Draws the learning curves, learnabilities and amplifications against the eigenframework, and writes them as numbers.

The summary's fields:

    curves        [{teacher, samples, mean, half, predicted}]              test errors, power-law spectra
    learnability  [{alpha, mode, mean, half, predicted}]                   gaussian features
    noise         [{features, alpha, mean, half}]                          test error of fits to noise of the variance 1
    digits        [{ridge, task, samples, mean, half, predicted}]          test errors
    exponents     {teacher: {measured, predicted}}                         of the mean test error, in samples

`half` is half of the 95 % interval by Student's t over the seeds.
"""

import argparse
import os

import numpy as np

import experiment

COLORS = {"rough": experiment.SERIES[0], "smooth": experiment.SERIES[2], "noisy": experiment.SERIES[4]}
TASKS = {"half": experiment.SERIES[0], "parity": experiment.SERIES[1], "three": experiment.SERIES[2]}
TASK_NAMES = {"half": "below 5?", "parity": "odd?", "three": "a three?"}
MARKERS = {"rough": "o", "smooth": "s", "noisy": "^", "half": "o", "parity": "s", "three": "^"}


def collected(folder):
    """The axes' values and the JSON value of each file of a collected folder."""
    for row in experiment.read_table(os.path.join(folder, "index.csv")):
        yield row, experiment.read_json(os.path.join(folder, row["path"]))


def cells(measured, predicted, keys, value):
    """Rows with the same keys as one: mean, half interval, and the predicted row's value where there is one."""
    known = {tuple(row[key] for key in keys): row[value] for row in predicted}
    found = []
    for key, rows in experiment.groups(measured, *keys).items():
        mean, half = experiment.mean_and_half([row[value] for row in rows])
        found.append(dict(zip(keys, key)) | {"mean": mean, "half": half, "predicted": known.get(key)})
    return found


def series(axes, rows, x, color, label, marker, filled=False, line="-"):
    """Points with intervals over the line of theory."""
    place = [row[x] for row in rows]
    axes.plot(place, [row["predicted"] for row in rows], color=color, linestyle=line)
    bars = experiment.points(
        axes, place, [row["mean"] for row in rows], [row["half"] for row in rows], color, label, marker
    )
    if filled:
        bars.lines[0].set_markerfacecolor(color)


def draw(summary, curves, noise_samples, paths):
    """Four panels, 7 inches wide. `curves` are the predicted learnabilities of all modes, by alpha."""
    plt = experiment.pyplot("kernel-ridge")
    from matplotlib.ticker import NullFormatter, NullLocator

    figure, ((a, b), (c, d)) = plt.subplots(2, 2, figsize=(7, 5), layout="constrained")

    names = {"rough": "rough, $s=0.8$", "smooth": "smooth, $s=5$", "noisy": "rough, with noise"}
    for teacher, rows in experiment.groups(summary["curves"], "teacher").items():
        series(a, rows, "samples", COLORS[teacher], names[teacher], MARKERS[teacher])
        if teacher in summary["exponents"]:  # not with noise
            exponent = summary["exponents"][teacher]["predicted"]
            middle = rows[len(rows) // 2]
            a.annotate(f"$n^{{{exponent:g}}}$", (middle["samples"], middle["predicted"]), xytext=(-3, -5),
                       textcoords="offset points", ha="right", va="top", fontsize=8, color=COLORS[teacher])
    a.set_title(r"(a) learning curves, $\lambda_i=i^{-3/2}$")
    a.set_ylabel("test error")

    for alpha, color in zip((1.5, 3), (experiment.SERIES[0], experiment.SERIES[1])):
        rows = [row for row in summary["learnability"] if row["alpha"] == alpha]
        modes = np.arange(1, len(curves[alpha]) + 1)
        b.plot(modes, curves[alpha], color=color)
        experiment.points(b, [row["mode"] for row in rows], [row["mean"] for row in rows],
                          [row["half"] for row in rows], color, rf"$\alpha={alpha:g}$", "o")
    b.axvline(noise_samples, color=experiment.QUIET, linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
    b.annotate(f"$i=n={noise_samples}$", (noise_samples, 1), xycoords=("data", "axes fraction"), xytext=(3, -2),
               textcoords="offset points", va="top", fontsize=8, color="#555555")
    b.set_xlim(8, 2048)
    b.set_title("(b) what is learnt of a mode")
    b.set_ylabel("learnability $L_i$")
    b.set_xlabel("mode $i$")

    by_features = experiment.groups(summary["noise"], "features")
    line = np.array([1, 4.2])
    c.plot(line, line, color=experiment.PREDICTED, label=r"theory, $\alpha$")
    looks = {"gaussian": (experiment.PREDICTED, "o", "Gaussian features"),
             "elliptical": (experiment.BROKEN, "D", "random scale of each point"),
             "interval": (experiment.MEASURED, "s", r"$\min(x,x^\prime)$ on an interval")}
    for features, rows in by_features.items():
        color, marker, label = looks[features]
        experiment.points(c, [row["alpha"] for row in rows], [row["mean"] for row in rows],
                          [row["half"] for row in rows], color, label, marker)
    c.plot([1.8, 2.2], [5 / 3, 5 / 3], color=experiment.MEASURED, linewidth=0.8, linestyle=(0, (1, 1)))
    c.annotate("5/3", (2.2, 5 / 3), xytext=(3, 0), textcoords="offset points", va="center", fontsize=8,
               color=experiment.MEASURED)
    c.set_xlim(1, 4.2)
    c.set_title("(c) noise of variance 1, no ridge")
    c.set_xlabel(r"exponent of the spectrum $\alpha$")
    c.set_ylabel("test error")
    c.legend(loc="upper left", borderaxespad=0.1)

    for (ridge, task), rows in experiment.groups(summary["digits"], "ridge", "task").items():
        series(d, rows, "samples", TASKS[task], TASK_NAMES[task] if ridge == 0 else None, MARKERS[task],
               filled=ridge != 0, line="-" if ridge == 0 else (0, (4, 2)))
    d.plot([], [], color=experiment.QUIET, label="no ridge")
    d.plot([], [], color=experiment.QUIET, linestyle=(0, (4, 2)), label="ridge 1, filled")
    d.set_title("(d) digits, Laplace kernel")
    d.set_ylabel("test error")

    for axes, key in ((a, "curves"), (d, "digits")):
        sizes = sorted({row["samples"] for row in summary[key]})
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("samples $n$")
        axes.legend(loc="lower left", borderaxespad=0.1)
    d.set_ylim(d.get_ylim()[0] / 4)
    b.set_xscale("log")
    b.set_ylim(0, 1.05)
    b.legend(loc="lower left", borderaxespad=0.1)
    experiment.save(figure, *paths)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("curves", "theory", "noise", "noise-theory", "digits", "digits-theory"):
        parser.add_argument(f"--{name}", required=True, help="a collected folder")
    parser.add_argument("--noise-samples", type=int, required=True)
    parser.add_argument("--figures", nargs="+", required=True)
    parser.add_argument("--summary", required=True)
    arguments = parser.parse_args()

    def rows(folder, key):
        return [axes | row for axes, value in collected(folder) for row in value[key]]

    noise = [axes | value for axes, value in collected(arguments.noise)]
    learnt = [row for row in rows(arguments.noise, "learnability") if row["features"] == "gaussian"]
    theory = {axes["alpha"]: value for axes, value in collected(arguments.noise_theory)}
    summary = {
        "curves": cells(
            rows(arguments.curves, "curve"), rows(arguments.theory, "curve"), ("teacher", "samples"), "error"
        ),
        "learnability": cells(learnt, rows(arguments.noise_theory, "learnability"), ("alpha", "mode"), "value"),
        "noise": cells(noise, [], ("features", "alpha"), "amplification"),
        "digits": cells(
            rows(arguments.digits, "cells"),
            rows(arguments.digits_theory, "cells"),
            ("ridge", "task", "samples"),
            "error",
        ),
    }
    exponents = {axes["teacher"]: value["exponent"] for axes, value in collected(arguments.theory)}
    summary["exponents"] = {
        teacher: {
            "measured": experiment.slope([row["samples"] for row in points], [row["mean"] for row in points]),
            "predicted": exponents[teacher],
        }
        for teacher, points in experiment.groups(summary["curves"], "teacher").items()
        if teacher != "noisy"
    }
    curves = {alpha: value["all"] for alpha, value in theory.items()}
    draw(summary, curves, arguments.noise_samples, arguments.figures)
    experiment.write_json(arguments.summary, summary)


if __name__ == "__main__":
    main()
