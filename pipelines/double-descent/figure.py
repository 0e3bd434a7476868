"""Draws the measured test error against the predicted one, and sums the comparison up in numbers.

The measurement is one CSV row for each width and seed; the prediction has every width. For each width the figure shows
the mean over seeds and its 95 % interval by Student's t. The summary's fields, for claims and for people:

    threshold                 the width at which the model can just interpolate: the number of samples
    peak_width, peak_error    the measured width with the largest mean test error, and that error
    predicted_peak_width, predicted_peak_error    the same of the prediction, over the measured widths
    tail_error, predicted_tail_error              at the largest width measured
    largest_log_ratio_away    the largest |ln(mean / predicted)| over widths at least 15 % away from the threshold
    largest_log_ratio_near    the same over the other widths; null when there is none
    covered, widths           how many of the intervals hold the prediction, and how many there are
    replicates                seeds a width (the smallest number over the widths)
"""

import argparse
import csv
import json
import math

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

AWAY = 0.15
MEASURED, PREDICTED, QUIET = "#c03a2b", "#1f3a5f", "#7a7a7a"


def student_quantile(probability, freedom):
    """The t with P(|T| < t) = probability for whole degrees of freedom (Abramowitz & Stegun 26.7.3-4), by bisection."""

    def inside(t):
        angle = math.atan(t / math.sqrt(freedom))
        cosine, sine = math.cos(angle), math.sin(angle)
        if freedom % 2:
            term, total = cosine, 0.0
            for k in range(1, freedom - 1, 2):
                total += term
                term *= cosine * cosine * (k + 1) / (k + 2)
            return 2 / math.pi * (angle + sine * total)
        term, total = 1.0, 0.0
        for k in range(0, freedom - 1, 2):
            total += term
            term *= cosine * cosine * (k + 1) / (k + 2)
        return sine * total

    low, high = 0.0, 1e4
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if inside(middle) < probability else (low, middle)
    return low


def mean_and_half_width(values):
    """The mean and half its 95 % interval; no interval (0) for a single value."""
    n = len(values)
    mean = math.fsum(values) / n
    if n < 2:
        return mean, 0.0
    variance = math.fsum((v - mean) ** 2 for v in values) / (n - 1)
    return mean, student_quantile(0.95, n - 1) * math.sqrt(variance / n)


def read_measured(path):
    """The test errors by width, widths ascending."""
    errors = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            errors.setdefault(int(row["width"]), []).append(float(row["test_error"]))
    return dict(sorted(errors.items()))


def summarise(samples, errors, points, predicted):
    """The fields that the top of this file lists."""
    ratio = {width: abs(math.log(mean / predicted[width])) for width, (mean, _) in points.items()}
    away = [r for width, r in ratio.items() if abs(width - samples) >= AWAY * samples]
    near = [r for width, r in ratio.items() if abs(width - samples) < AWAY * samples]
    peak = max(points, key=lambda width: points[width][0])
    predicted_peak = max(points, key=lambda width: predicted[width])
    widest = max(points)
    return {
        "threshold": samples,
        "peak_width": peak,
        "peak_error": points[peak][0],
        "predicted_peak_width": predicted_peak,
        "predicted_peak_error": predicted[predicted_peak],
        "tail_error": points[widest][0],
        "predicted_tail_error": predicted[widest],
        "largest_log_ratio_away": max(away, default=None),
        "largest_log_ratio_near": max(near, default=None),
        "covered": sum(abs(mean - predicted[width]) <= half for width, (mean, half) in points.items()),
        "widths": len(points),
        "replicates": min(map(len, errors.values())),
    }


def draw(samples, errors, points, predicted, paths):
    """The figure, 3.4 inches wide: one column of a paper."""
    plt.rcParams.update(
        {
            "font.family": "STIXGeneral",
            "mathtext.fontset": "stix",
            "font.size": 9,
            "axes.linewidth": 0.6,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "xtick.direction": "out",
            "ytick.direction": "out",
            "xtick.major.width": 0.6,
            "ytick.major.width": 0.6,
            "xtick.minor.width": 0.4,
            "ytick.minor.width": 0.4,
            "xtick.minor.size": 1.8,
            "ytick.minor.size": 1.8,
            "svg.hashsalt": "double-descent",
        }
    )
    figure, axes = plt.subplots(figsize=(3.4, 2.55), layout="constrained")
    narrowest, widest = min(points), max(points)
    line = [width for width in predicted if narrowest <= width <= widest]
    means = [mean for mean, _ in points.values()]

    axes.axhline(1, color=QUIET, linewidth=0.5, linestyle=(0, (1, 2)), zorder=0)
    axes.axvline(samples, color=QUIET, linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
    axes.plot(line, [predicted[width] for width in line], color=PREDICTED, linewidth=1.2, label="theory, exact asymptotics", zorder=2)
    # An interval that reaches below zero is cut where the axis ends; its upper half tells its length.
    replicates = min(map(len, errors.values()))
    axes.errorbar(
        list(points),
        means,
        yerr=[[min(half, 0.95 * mean) for mean, half in points.values()], [half for _, half in points.values()]],
        color=MEASURED,
        marker="o",
        markersize=2.9,
        markerfacecolor="white",
        markeredgewidth=0.8,
        linestyle="none",
        elinewidth=0.8,
        capsize=1.4,
        capthick=0.6,
        label=f"measured, mean of {replicates} seeds\nand 95 % interval",
        zorder=3,
    )

    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(narrowest / 1.12, widest * 1.12)
    low = min(min(means), min(predicted[width] for width in line))
    high = max(max(mean + half for mean, half in points.values()), max(predicted[width] for width in line))
    axes.set_ylim(low / 1.35, high * 2.6)
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    ticks = [t * 10**k for k in range(7) for t in (1, 2, 3, 5)]
    axes.xaxis.set_major_locator(FixedLocator([t for t in ticks if narrowest / 1.12 <= t <= widest * 1.12]))
    axes.xaxis.set_major_formatter(plain)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(plain)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(r"width $N$ (number of random features)")
    axes.set_ylabel(r"test error  $\mathbb{E}\,(\hat f(x)-f_\ast(x))^2$")
    axes.annotate(
        f"interpolation\nthreshold\n$N = n = {samples}$",
        (samples, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3, -2),
        textcoords="offset points",
        va="top",
        linespacing=1.15,
        fontsize=8,
        color="#555555",
    )
    axes.annotate(
        r"no model, $\hat f = 0$",
        (1, 1),
        xycoords=("axes fraction", "data"),
        xytext=(-1, 1.5),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        color="#555555",
    )
    legend = axes.legend(loc="upper left", frameon=False, fontsize=8, handlelength=1.4, borderaxespad=0.1)
    for text in legend.get_texts():
        text.set_linespacing(1.0)

    # No date, no version of the library: the same numbers give the same bytes.
    for path in paths:
        metadata = {"Software": None} if path.endswith(".png") else {"Date": None, "Creator": None}
        figure.savefig(path, dpi=400, metadata=metadata)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--measured", required=True, help="a CSV with the columns width and test_error")
    parser.add_argument("--predicted", required=True, help="the .json that theory.py wrote")
    parser.add_argument("--figures", nargs="+", required=True, help="the .svg and .png to write")
    parser.add_argument("--summary", required=True, help="the .json to write")
    arguments = parser.parse_args()

    errors = read_measured(arguments.measured)
    points = {width: mean_and_half_width(values) for width, values in errors.items()}
    with open(arguments.predicted) as file:
        theory = json.load(file)
    predicted = dict(zip(theory["width"], theory["test_error"]))
    if missing := [width for width in points if width not in predicted]:
        parser.error(f"no prediction for the widths {missing}: raise the parameter `widest` to {max(missing)}")

    draw(arguments.samples, errors, points, predicted, arguments.figures)
    with open(arguments.summary, "w") as file:
        json.dump(summarise(arguments.samples, errors, points, predicted), file, sort_keys=True, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
