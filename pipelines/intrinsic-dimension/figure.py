"""Draws the six comparisons of the estimators with their theory and sums them up in numbers.

The summary's fields, for claims and for people; `cells` have measured (mean over seeds), half (of the 95 % interval)
and predicted:

    manifolds      cells for each manifold and dimension, TwoNN
    noise          cells for each noise level, TwoNN
    crossover      the noise level at which noise is as long as the distance to a neighbour
    bias           cells for each shape and number of points; `exponents` by shape, measured, leading (first order)
    averages       cells for each number of neighbours k, of Levina & Bickel and of MacKay & Ghahramani, in units of d
    variances      cells for each k; ball_variance, the same for a fixed radius
    digits         for each number of images, TwoNN of `digits` and of `linear`, a Gaussian with their covariance
"""

import argparse
import json

import numpy as np

import experiment
from experiment import MEASURED, PREDICTED, QUIET, SERIES, groups, mean_and_half, points, read_json, read_table

ORDER = ["torus", "gaussian", "sphere", "cube", "swiss-roll"]
COLORS = dict(zip(ORDER, [SERIES[1], SERIES[3], SERIES[0], SERIES[2], SERIES[4]]))
MARKERS = dict(zip(ORDER, "sD^ov"))


def summarise(tables, local_theory):
    """All numbers that are drawn: the fields that the top of this file lists."""
    predicted = {(row["manifold"], row["dimension"]): row["twonn"] for row in tables["theory"]}
    manifolds = []
    for (manifold, dimension), rows in groups(tables["measured"], "manifold", "dimension").items():
        mean, half = mean_and_half(row["twonn"] for row in rows)
        manifolds.append(
            {"manifold": manifold, "dimension": dimension, "measured": mean, "half": half,
             "predicted": predicted[manifold, dimension]}
        )
    predicted = {row["noise"]: row["twonn"] for row in tables["noise_theory"]}
    noise = []
    for level, rows in groups(tables["noisy"], "noise").items():
        mean, half = mean_and_half(row["twonn"] for row in rows)
        noise.append({"noise": level, "measured": mean, "half": half, "predicted": predicted[level]})

    laws = {(row["manifold"], row["dimension"]): row for row in tables["first_order"]}
    bias, exponents = [], []
    for (manifold, dimension), rows in groups(tables["bias"], "manifold", "dimension").items():
        law = laws[manifold, dimension]
        curves = [json.loads(row["curve"]) for row in rows]
        samples = [point["samples"] for point in curves[0]]
        means = []
        for place, n in enumerate(samples):
            mean, half = mean_and_half(curve[place]["bias"] for curve in curves)
            means.append(mean)
            bias.append(
                {"manifold": manifold, "dimension": dimension, "samples": n, "measured": mean, "half": half,
                 "predicted": law["factor"] * n ** law["exponent"]}
            )
        exponents.append(
            {"manifold": manifold, "dimension": dimension, "measured": experiment.slope(samples, means),
             "predicted": law["exponent"]}
        )

    local = [json.loads(row["neighbours"]) for row in tables["local"]]
    averages, variances = [], []
    for place, theory in enumerate(local_theory["neighbours"]):
        cell = {"neighbours": theory["neighbours"]}
        for name in ("levina_bickel", "mackay_ghahramani"):
            mean, half = mean_and_half(replicate[place][name] for replicate in local)
            cell[name] = {"measured": mean, "half": half, "predicted": theory[name]}
        averages.append(cell)
        mean, half = mean_and_half(replicate[place]["variance"] for replicate in local)
        variances.append(
            {"neighbours": theory["neighbours"], "measured": mean, "half": half, "predicted": theory["variance"]}
        )
    mean, half = mean_and_half(row["ball_variance"] for row in tables["local"])
    ball = {"measured": mean, "half": half, "predicted": local_theory["ball_variance"]}

    digits = []
    for images, rows in groups(tables["subset"], "images").items():
        cell = {"images": images}
        for source, some in groups(rows, "source").items():
            mean, half = mean_and_half(row["twonn"] for row in some)
            cell[source] = {"value": mean, "interval": [mean - half, mean + half], "n": len(some)}
        digits.append(cell)
    return {
        "manifolds": manifolds, "noise": noise, "crossover": tables["noise_theory"][0]["crossover"], "bias": bias,
        "exponents": exponents, "averages": averages, "variances": variances, "ball_variance": ball, "digits": digits,
    }  # fmt: skip


def columns(cells, *names):
    return [np.array([cell[name] for cell in cells]) for name in names]


def draw(summary, lines, noise_line, plane, ambient, expected, paths):
    """The figure, 7 inches wide: both columns of a paper."""
    plt = experiment.pyplot("intrinsic-dimension")
    plt.rcParams["font.size"] = 8
    figure, panels = plt.subplots(2, 3, figsize=(7, 4.5), layout="constrained")

    axes = panels[0, 0]
    axes.axhline(1, color=QUIET, linewidth=0.5, linestyle=(0, (1, 2)), zorder=0)
    for place, manifold in enumerate(ORDER):
        cells = [cell for cell in summary["manifolds"] if cell["manifold"] == manifold]
        line = [row for row in lines if row["manifold"] == manifold]
        if line:
            d, value = columns(line, "dimension", "twonn")
            axes.plot(d, value / d, color=COLORS[manifold], linewidth=1)
        d, mean, half = columns(cells, "dimension", "measured", "half")
        shifted = d * 1.04 ** (place - 2)
        label = manifold.replace("-", " ").replace("ga", "Ga")
        points(axes, shifted, mean / d, half / d, COLORS[manifold], label, MARKERS[manifold])
    axes.set_xscale("log")
    axes.set_xticks([2, 4, 8, 12, 24], ["2", "4", "8", "12", "24"])
    axes.minorticks_off()
    axes.set_ylim(0.65, 1.45)
    axes.set_xlabel("true dimension $d$")
    axes.set_ylabel(r"TwoNN / $d$")
    axes.legend(loc="upper left", ncols=2, columnspacing=0.8, handletextpad=0.2, borderaxespad=0, fontsize=7)

    axes = panels[0, 1]
    for (manifold, d), cells in groups(summary["bias"], "manifold", "dimension").items():
        color = {("cube", 3): SERIES[2], ("torus", 3): SERIES[1], ("torus", 4): SERIES[3]}.get((manifold, d), SERIES[0])
        n, mean, half, line = columns(cells, "samples", "measured", "half", "predicted")
        sign, power = ("", "1") if manifold == "cube" else ("-", "2")
        axes.plot(n, line, color=color)
        points(axes, n, mean, half, color, f"{manifold}, $d={d}$: ${sign}\\,n^{{-{power}/{d}}}$", MARKERS[manifold])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(top=0.3)
    axes.set_xlabel("points $n$")
    axes.set_ylabel(r"bias,  $|d\,/\,$TwoNN$\,-1|$")
    axes.legend(loc="upper right", handletextpad=0.2, borderaxespad=0, fontsize=7)

    axes = panels[0, 2]
    level, mean, half = columns(summary["noise"], "noise", "measured", "half")
    axes.axvspan(summary["crossover"], 2, color="#f3ead2", linewidth=0, zorder=0)
    for dimension in (plane, ambient):
        axes.axhline(dimension, color=QUIET, linewidth=0.7, linestyle=(0, (4, 3)))
    line, value = columns(noise_line, "noise", "twonn")
    axes.plot(line, value, color=PREDICTED, label="theory")
    points(axes, level, mean, half, label="measured")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(6e-5, 2)
    axes.set_ylim(1.6, 70)
    axes.set_yticks([2, 5, 10, 20, 50], ["2", "5", "10", "20", "50"])
    axes.minorticks_off()
    axes.annotate("noise longer than\nneighbours' distance", (summary["crossover"], 2.2), xytext=(3, 0),
                  textcoords="offset points", fontsize=7, color="#555555")  # fmt: skip
    axes.annotate("coordinates", (6e-5, ambient), xytext=(2, 1.5),
                  textcoords="offset points", fontsize=7, color="#555555")  # fmt: skip
    axes.set_xlabel("noise $s$ of each coordinate")
    axes.set_ylabel("TwoNN of a noisy plane")
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0.88), borderaxespad=0, handletextpad=0.3)

    axes = panels[1, 0]
    k = [cell["neighbours"] for cell in summary["averages"]]
    fine = np.geomspace(3.6, k[-1], 100)
    axes.plot(fine, (fine - 1) / (fine - 2), color=SERIES[1], label=r"$(k-1)/(k-2)$")
    axes.axhline(1, color=SERIES[0])
    for name, color, label in (
        ("levina_bickel", SERIES[1], "mean (Levina & Bickel)"),
        ("mackay_ghahramani", SERIES[0], "inverse mean (MacKay\n& Ghahramani)"),
    ):
        mean, half = columns([cell[name] for cell in summary["averages"]], "measured", "half")
        points(axes, k, mean, half, color, label)
    axes.set_xscale("log")
    axes.set_xticks(k, [str(value) for value in k])
    axes.minorticks_off()
    axes.set_xlabel("neighbours $k$")
    axes.set_ylabel(r"estimate / $d$ on $S^2$")
    axes.legend(loc="upper right", handletextpad=0.3, borderaxespad=0)

    axes = panels[1, 1]
    mean, half = columns(summary["variances"], "measured", "half")
    ball = summary["ball_variance"]
    axes.axhline(1, color=QUIET, linestyle=(0, (4, 3)), linewidth=0.8, label="independent neighbourhoods")
    axes.axhline(2, color=PREDICTED, label="each pair from both ends")
    points(axes, k, mean, half, SERIES[3], "$k$ neighbours")
    points(axes, [expected], [ball["measured"]], [ball["half"]], MEASURED, "fixed radius", "s")
    axes.set_xscale("log")
    axes.set_xticks(k, [str(value) for value in k])
    axes.minorticks_off()
    axes.set_ylim(0.8, 3.3)
    axes.set_xlabel("neighbours $k$")
    axes.set_ylabel(r"variance $\times$ ratios$\,/\,d^2$")
    axes.legend(loc="upper left", handletextpad=0.3, borderaxespad=0)

    axes = panels[1, 2]
    images = [cell["images"] for cell in summary["digits"]]
    for source, color, marker, label in (
        ("linear", SERIES[0], "o", "Gaussian, same covariance"), ("digits", MEASURED, "s", "digits")
    ):
        mean, interval = columns([cell[source] for cell in summary["digits"]], "value", "interval")
        half = mean - interval[:, 0]
        axes.plot(images, mean, color=color, linewidth=0.6)
        points(axes, images, mean, half, color, label, marker)
    axes.set_xscale("log")
    axes.set_xticks(images, [str(value) for value in images])
    axes.minorticks_off()
    axes.set_ylim(0, 30)
    axes.set_xlabel("images")
    axes.set_ylabel("TwoNN, 64 pixels")
    axes.legend(loc="upper left", borderaxespad=0)

    for axes, letter in zip(panels.flat, "abcdef"):
        axes.set_title(letter, loc="left", fontweight="bold", pad=3)
    experiment.save(figure, *paths)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("measured", "theory", "line", "noisy", "noise-theory", "bias", "first-order", "local", "subset"):
        parser.add_argument(f"--{name}", required=True, help="a collected table")
    parser.add_argument("--local-theory", required=True, help="the .json of that step")
    parser.add_argument("--noise-line", required=True, help="the .json of that step")
    parser.add_argument("--plane", type=int, required=True, help="the dimension of the noisy plane")
    parser.add_argument("--ambient", type=int, required=True)
    parser.add_argument("--expected", type=float, required=True)
    parser.add_argument("--figures", nargs="+", required=True, help="the .svg and .png to write")
    parser.add_argument("--summary", required=True, help="the .json to write")
    arguments = parser.parse_args()

    tables = {
        name: read_table(getattr(arguments, name))
        for name in ("measured", "theory", "line", "noisy", "noise_theory", "bias", "first_order", "local", "subset")
    }
    summary = summarise(tables, read_json(arguments.local_theory))
    draw(
        summary, tables["line"], read_json(arguments.noise_line), arguments.plane, arguments.ambient,
        arguments.expected, arguments.figures,
    )  # fmt: skip
    experiment.write_json(arguments.summary, summary)


if __name__ == "__main__":
    main()
