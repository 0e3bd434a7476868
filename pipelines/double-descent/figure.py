"""Draws the measured test error against the predicted one, and sums the comparison up in numbers.

The measurement is one CSV row for each width and seed; the prediction has every width. For each width the figure shows
the mean over seeds and its 95 % interval by Student's t. The summary's fields, for claims and for people:

    threshold                 the width at which the model can just interpolate: the number of samples
    peak_width, peak_error    the measured width with the largest mean test error, and that error
    predicted_peak_width, predicted_peak_error    the same of the prediction, over the measured widths
    away, near                the widths at least 30 % away from the threshold, and the others: for each the width, the
                              measured mean with its interval and number of seeds, the prediction
    least_narrow_error        the smallest mean error of a model with fewer features than samples
    flat                      widths as above, measured and predicted in few dimensions
    covered, widths           how many of the intervals hold the prediction, and how many there are
    replicates                seeds a width (the smallest number over the widths)
"""

import argparse

from experiment import (
    MEASURED, PREDICTED, QUIET, groups, mean_and_half, points, pyplot, read_json, read_table, save, write_json,
)

AWAY = 0.3


def cells(widths, errors, predicted):
    """Each width with its measured mean, as claims take it, and its prediction."""
    result = []
    for width in widths:
        mean, half = mean_and_half(errors[width])
        measured = {"value": mean, "interval": [mean - half, mean + half], "n": len(errors[width])}
        result.append({"width": width, "measured": measured, "predicted": predicted[width]})
    return result


def summarise(samples, errors, measured, predicted, flat):
    """The fields that the top of this file lists."""
    away = [width for width in measured if abs(width - samples) >= AWAY * samples]
    near = [width for width in measured if width not in away]
    peak = max(measured, key=lambda width: measured[width][0])
    predicted_peak = max(measured, key=lambda width: predicted[width])
    return {
        "threshold": samples,
        "peak_width": peak,
        "peak_error": measured[peak][0],
        "predicted_peak_width": predicted_peak,
        "predicted_peak_error": predicted[predicted_peak],
        "predicted_tail_error": predicted[max(measured)],
        "least_narrow_error": min(mean for width, (mean, _) in measured.items() if width < samples),
        "away": cells(away, errors, predicted),
        "near": cells(near, errors, predicted),
        "flat": cells(sorted(flat[0]), *flat),
        "covered": sum(abs(mean - predicted[width]) <= half for width, (mean, half) in measured.items()),
        "widths": len(measured),
        "replicates": min(map(len, errors.values())),
    }


def draw(samples, errors, measured, predicted, paths):
    """The figure, 3.4 inches wide: one column of a paper."""
    plt = pyplot("double-descent")
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

    figure, axes = plt.subplots(figsize=(3.4, 2.55), layout="constrained")
    narrowest, widest = min(measured), max(measured)
    line = [width for width in predicted if narrowest <= width <= widest]
    means = [mean for mean, _ in measured.values()]

    axes.axhline(1, color=QUIET, linewidth=0.5, linestyle=(0, (1, 2)), zorder=0)
    axes.axvline(samples, color=QUIET, linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
    axes.plot(line, [predicted[width] for width in line], color=PREDICTED, label="theory, exact asymptotics", zorder=2)
    # An interval that reaches below zero is cut where the axis ends; its upper half tells its length.
    replicates = min(map(len, errors.values()))
    halves = [[min(half, 0.95 * mean) for mean, half in measured.values()], [half for _, half in measured.values()]]
    points(
        axes, list(measured), means, halves, color=MEASURED,
        label=f"measured, mean of {replicates} seeds\nand 95 % interval",
    )

    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(narrowest / 1.12, widest * 1.12)
    low = min(min(means), min(predicted[width] for width in line))
    high = max(max(mean + half for mean, half in measured.values()), max(predicted[width] for width in line))
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
    legend = axes.legend(loc="upper left", fontsize=8, borderaxespad=0.1)
    for text in legend.get_texts():
        text.set_linespacing(1.0)
    save(figure, *paths)


def read(measured, predicted):
    """The test errors by width, widths ascending, and the predictions by width."""
    rows = read_table(measured)
    column = "width" if "width" in rows[0] else "flat_width"
    rows.sort(key=lambda row: row[column])
    errors = {width: [row["test_error"] for row in group] for width, group in groups(rows, column).items()}
    theory = read_json(predicted)
    return errors, dict(zip(theory["width"], theory["test_error"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--measured", required=True, help="a CSV with the columns width and test_error")
    parser.add_argument("--predicted", required=True, help="the .json that theory.py wrote")
    parser.add_argument("--flat", nargs=2, required=True, help="the same two in few dimensions")
    parser.add_argument("--figures", nargs="+", required=True, help="the .svg and .png to write")
    parser.add_argument("--summary", required=True, help="the .json to write")
    arguments = parser.parse_args()

    errors, predicted = read(arguments.measured, arguments.predicted)
    measured = {width: mean_and_half(values) for width, values in errors.items()}
    if missing := [width for width in measured if width not in predicted]:
        parser.error(f"no prediction for the widths {missing}: raise the parameter `widest` to {max(missing)}")

    draw(arguments.samples, errors, measured, predicted, arguments.figures)
    write_json(arguments.summary, summarise(arguments.samples, errors, measured, predicted, read(*arguments.flat)))


if __name__ == "__main__":
    main()
