"""Draws the kernel's scatter, its drift and the gap in function space against width, and writes them as numbers.

The summary's fields:

    scatter    [{network, width, measured, half, predicted}]     relative, before training
    networks   [{network, width, drift, drift_half, gap, gap_half, gap_own, gap_own_half, residual}]    means over seeds
    exponents  {network: {drift, gap, gap_own}}                     slopes in width of those means

`half` is half of the 95 % interval by Student's t over the seeds.
"""

import argparse
import os

import numpy as np

import experiment

COLORS = dict(zip(("erf", "relu", "relu-one-signed", "erf-mean-field"), experiment.SERIES))
NAMES = {
    "erf": r"erf", "relu": r"relu", "relu-one-signed": r"relu, $a_j>0$", "erf-mean-field": r"erf, mean field",
}
MARKERS = {"erf": "o", "relu": "s", "relu-one-signed": "^", "erf-mean-field": "D"}
SLOPES = {"erf": (-1, "-1"), "relu": (-3 / 4, "-3/4"), "relu-one-signed": (-1 / 2, "-1/2"), "erf-mean-field": (0, "0")}


def curves(folder):
    """The points of the curves in a collected folder, each with the axes' values of its file."""
    for row in experiment.read_table(os.path.join(folder, "index.csv")):
        for cell in experiment.read_json(os.path.join(folder, row["path"]))["curve"]:
            yield row | cell


def summarise(scatter, measured, predicted):
    """The summary, without the exponents."""
    cells = []
    for (network, width), values in scatter.items():
        mean, half = experiment.mean_and_half(values)
        constant = predicted[network]["fluctuation"]
        cells.append({"network": network, "width": width, "measured": mean, "half": half,
                      "predicted": constant / np.sqrt(width)})
    networks = []
    for (network, width), rows in experiment.groups(measured, "network", "width").items():
        cell = {"network": network, "width": width, "residual": np.mean([row["residual"] for row in rows])}
        for key in ("drift", "gap", "gap_own"):
            cell[key], cell[key + "_half"] = experiment.mean_and_half([row[key] for row in rows])
        networks.append(cell)
    return {"scatter": cells, "networks": networks}


def guide(axes, cells, key, network):
    """A line with the exponent of theory through the measured points, and the exponent at its right end."""
    slope, text = SLOPES[network]
    widths = np.array([cell["width"] for cell in cells], float)
    level = np.exp(np.mean(np.log([cell[key] for cell in cells]) - slope * np.log(widths)))
    axes.plot(widths, level * widths**slope, color=COLORS[network], linewidth=1)
    axes.annotate(f"${text}$", (widths[-1], level * widths[-1] ** slope), xytext=(5, 0), textcoords="offset points",
                  va="center", fontsize=8, color=COLORS[network])


def draw(summary, predicted, paths):
    """Three panels, 7 inches wide."""
    plt = experiment.pyplot("ntk")
    from matplotlib.ticker import NullFormatter

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(7, 2.6), layout="constrained")
    by_network = experiment.groups(summary["networks"], "network")

    for network, cells in experiment.groups(summary["scatter"], "network").items():
        widths = np.array([cell["width"] for cell in cells], float)
        experiment.points(left, widths, [cell["measured"] for cell in cells], [cell["half"] for cell in cells],
                          COLORS[network], NAMES[network], MARKERS[network])
        left.plot(widths, predicted[network]["fluctuation"] / np.sqrt(widths), color=COLORS[network])
    left.set_title("(a) kernel before training")
    left.set_ylabel(r"$|\Theta_0-\Theta|\,/\,|\Theta|$")

    for network, cells in by_network.items():
        experiment.points(middle, [cell["width"] for cell in cells], [cell["drift"] for cell in cells],
                          [cell["drift_half"] for cell in cells], COLORS[network], NAMES[network], MARKERS[network])
        guide(middle, cells, "drift", network)
    middle.set_title("(b) drift of the kernel in training")
    middle.set_ylabel(r"$|\Theta_{\mathrm{end}}-\Theta_0|\,/\,|\Theta|$")

    for network, cells in by_network.items():
        if network == "relu-one-signed":
            continue
        experiment.points(right, [cell["width"] for cell in cells], [cell["gap"] for cell in cells],
                          [cell["gap_half"] for cell in cells], COLORS[network], None, MARKERS[network])
        if network in ("erf", "relu"):
            widths = np.array([cell["width"] for cell in cells], float)
            right.plot(widths, predicted[network]["gap"] / np.sqrt(widths), color=COLORS[network])
            right.plot(widths, [cell["gap_own"] for cell in cells], color=COLORS[network], linewidth=0.8,
                       linestyle=(0, (3, 2)), marker=MARKERS[network], markersize=2)
    right.plot([], [], color=experiment.QUIET, label=r"limit kernel: theory, $C/\sqrt{n}$")
    right.plot([], [], color=experiment.QUIET, linewidth=0.8, linestyle=(0, (3, 2)), marker="o", markersize=2,
               label="own kernel at the start")
    right.set_title("(c) gap in function space")
    right.set_ylabel(r"$|f_{\mathrm{end}}-f_{\mathrm{kernel}}|\,/\,|f_{\mathrm{kernel}}|$, test")

    for axes in (left, middle, right):
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xlabel("width $n$")
        low, high = axes.get_ylim()
        axes.set_ylim(low / (4 if axes is right else 1), high * 1.3)
        axes.yaxis.set_minor_formatter(NullFormatter())
        widths = [cell["width"] for cell in summary["networks"]]
        axes.set_xlim(min(widths) / 1.5, max(widths) * (3.2 if axes is middle else 1.5))
        ticks = sorted(set(widths))
        axes.set_xticks(ticks, [f"{tick:d}" for tick in ticks])
    middle.legend(loc="lower left", borderaxespad=0.1)
    right.legend(loc="lower left", borderaxespad=0.1)
    low, high = left.get_ylim()
    marks = [mark for mark in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1) if low < mark < high]
    left.set_yticks(marks, [f"{mark:g}" for mark in marks])
    left.text(0.97, 0.95, "lines: theory,\nno free constant", transform=left.transAxes, ha="right", va="top",
    fontsize=8,
              color="#555555")
    left.legend(loc="lower left", borderaxespad=0.1)
    experiment.save(figure, *paths)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scatter", required=True, help="the folder of what initial.py wrote")
    parser.add_argument("--measured", required=True, help="the folder of what measure.py wrote")
    parser.add_argument("--predicted", required=True, help="a CSV of what theory.py wrote")
    parser.add_argument("--figures", nargs="+", required=True)
    parser.add_argument("--summary", required=True)
    arguments = parser.parse_args()

    scatter = {}
    for cell in curves(arguments.scatter):
        scatter.setdefault((cell["network"], cell["width"]), []).append(cell["fluctuation"])
    measured = [cell for cell in curves(arguments.measured) if not cell["diverged"]]
    predicted = {row["network"]: row for row in experiment.read_table(arguments.predicted)}

    summary = summarise(scatter, measured, predicted)
    summary["exponents"] = {
        network: {
            key: experiment.slope([cell["width"] for cell in cells], [cell[key] for cell in cells])
            for key in ("drift", "gap", "gap_own")
        }
        for network, cells in experiment.groups(summary["networks"], "network").items()
    }
    draw(summary, predicted, arguments.figures)
    experiment.write_json(arguments.summary, summary)


if __name__ == "__main__":
    main()
