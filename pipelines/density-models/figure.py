"""Draws probabilistic models against the truth of their data. Three panels:

    (a) excess error of denoising over the exact minimum, against the noise: models of many and of few points, the
        linear denoiser; inset: samples of a model on contours of the mixture's density
    (b) the noise at which the best denoiser of n points collapses, against n, in several dimensions
    (c) the data that score matching needs over those of maximum likelihood, against the separation of two modes

The summary's fields:

    entropy/N        {"value", "interval", "n"}: the entropy from the errors of models of N points; entropy/exact
    samples/K        of K steps of DDIM: weights, trace and energy (sample.py), means over seeds; trace and energy with
                     intervals
    excess/N         the largest relative excess error of models of N points over all noises, of the mean over seeds
    training/32      the least error on the training points over the minimum for fresh ones, of the mean over seeds
    collapse         list of dimension, size, measured, predicted
    cost             list of family, separation, measured, predicted, asymptotic
"""

import argparse
import csv
import os

import numpy as np

import experiment
from mixture import Mixture
from sandwich import variances


def collected(folder):
    """The rows of a folder of instances: its axes, and the path of each file."""
    with open(os.path.join(folder, "index.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    return [{**row, "path": os.path.join(folder, row["path"])} for row in rows]


def interval(values):
    mean, half = experiment.mean_and_half(values)
    return {"value": mean, "interval": [mean - half, mean + half], "n": len(values)}


def means_and_halves(lists):
    """By position, over the lists of replicates."""
    return np.array([experiment.mean_and_half(column) for column in zip(*lists)]).T


def draw_denoising(axes, denoised, truth, mixture, samples):
    noises = np.array([row["noise"] for row in truth["curve"]])
    least = np.array([row["mmse"] for row in truth["curve"]])
    linear = np.array([row["linear"] for row in truth["curve"]])
    axes.axhline(1, color="black", linewidth=1, label="exact minimum", zorder=1)
    axes.plot(noises, linear / least, color=experiment.QUIET, linewidth=1, linestyle=(0, (4, 2)), label="best linear",
              zorder=1)
    for (points, rows), colour, marker in zip(denoised.items(), (experiment.BROKEN, experiment.MEASURED), "so"):
        name = f"{points} points" if points < 1000 else "65,536 points"
        errors = [[cell["mse"] for cell in row["curve"]] for row in rows]
        means, halves = means_and_halves(np.array(errors) / least)
        experiment.points(axes, noises, means, halves, colour, name, marker)
        if points < 1000:
            errors = [[cell["training"] for cell in row["curve"]] for row in rows]
            means, halves = means_and_halves(np.array(errors) / least)
            experiment.points(axes, noises, means, halves, experiment.PREDICTED, "the same, on these", "^")
    axes.set_xscale("log")
    axes.set_ylim(0.7, 2.15)
    axes.set_xlabel("noise $\\sigma$")
    axes.set_ylabel("error of denoising / minimum")
    axes.set_title("(a) diffusion models", pad=40)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.2, 1.0), ncols=2, columnspacing=0.7, labelspacing=0.25,
                borderaxespad=0.1, handletextpad=0.3)
    inset = axes.inset_axes([0.57, 0.56, 0.43, 0.44])
    inset.plot(samples[:, 0], samples[:, 1], ".", color=experiment.MEASURED, markersize=1.1, markeredgewidth=0,
               alpha=0.7, zorder=1)
    x, y = np.meshgrid(np.linspace(-5, 5, 121), np.linspace(-4, 4.5, 121))
    density = mixture.responsibilities(np.stack([x.ravel(), y.ravel()], axis=1))[0].reshape(x.shape)
    inset.contour(x, y, density, levels=[-6, -4.5, -3], colors="black", linewidths=0.5, linestyles="-", zorder=2)
    inset.set(xticks=[], yticks=[], xlim=(-5, 5), ylim=(-4, 4.5))
    inset.set_xlabel("samples, density", fontsize=7, labelpad=2)
    for spine in inset.spines.values():
        spine.set_visible(True)


def collapse_cells(collapse, theory):
    """Dimension, size, mean, half, predicted and volume law, by dimension and size."""
    cells = []
    for dimension, rows in sorted(collapse.items()):
        means, halves = means_and_halves([[cell["noise"] for cell in row["cells"]] for row in rows])
        for cell, mean, half in zip(theory[dimension]["cells"], means, halves):
            cells.append({"dimension": dimension, "mean": mean, "half": half, **cell})
    return cells


def draw_collapse(axes, cells):
    looks = zip((experiment.BROKEN, experiment.PREDICTED, experiment.MEASURED), "so^")
    for (dimension, same), (colour, marker) in zip(experiment.groups(cells, "dimension").items(), looks):
        sizes = np.array([cell["size"] for cell in same], float)
        fine = np.geomspace(sizes[0] / 1.3, sizes[-1] * 1.3, 60)
        first = dimension == max(cell["dimension"] for cell in cells)
        axes.plot(fine, (fine ** (2 / dimension) - 1) ** -0.5, color="black", linewidth=1, zorder=1,
                  label="$\\ln n = I(x;z)$" if first else None)
        axes.plot(fine, fine ** (-1 / dimension), color=experiment.QUIET, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0,
                  label="$n^{-1/d}$" if first else None)
        experiment.points(axes, sizes, [cell["mean"] for cell in same], [cell["half"] for cell in same], colour,
                          f"$d={dimension}$", marker)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(0.01, 4)
    axes.set_xlabel("training points $n$")
    axes.set_ylabel("noise of the collapse $\\sigma$")
    axes.set_title("(b) best denoiser of $n$ points", pad=40)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.2, 1.0), ncols=3, columnspacing=0.7, labelspacing=0.25,
                borderaxespad=0.1, handletextpad=0.3)


def cost_cells(estimates, theory):
    cells = []
    for row in theory:
        same = [other["ratio"] for other in estimates
                if (other["family"], other["separation"]) == (row["family"], row["separation"])]
        cells.append({
            "family": row["family"], "separation": row["separation"], "measured": interval(same),
            "predicted": row["ratio"], "asymptotic": row["asymptotic"],
        })
    return cells


def draw_cost(axes, cells):
    axes.axhspan(0.5, 2, color=experiment.QUIET, alpha=0.12, linewidth=0, zorder=0)
    fine = np.linspace(1, 6.3, 50)
    exact = [variances("mixture", separation)["ratio"] for separation in fine]
    axes.plot(fine, exact, color="black", linewidth=1, label="sandwich, exact", zorder=1)
    far = np.linspace(2, 6.3, 60)
    axes.plot(far, far / 2 * np.exp(far**2 / 8) / np.sqrt(2 * np.pi), color=experiment.QUIET, linewidth=0.8,
              linestyle=(0, (4, 2)), label="$\\frac{m}{\\sqrt{2\\pi}}\\,e^{m^2/2}$, $m=\\Delta/2$", zorder=1)
    looks = {
        "mixture": ("o", experiment.MEASURED, "weight of two modes"),
        "gaussian": ("s", experiment.PREDICTED, "Gaussian scale"),
        "logistic": ("^", experiment.BROKEN, "logistic location"),
    }
    for family, (marker, colour, label) in looks.items():
        same = [cell for cell in cells if cell["family"] == family]
        means = [cell["measured"]["value"] for cell in same]
        halves = [cell["measured"]["interval"][1] - cell["measured"]["value"] for cell in same]
        experiment.points(axes, [cell["separation"] for cell in same], means, halves, colour, label, marker)
    axes.set_yscale("log")
    axes.set_ylim(0.6, 300)
    axes.set_xlim(-0.3, 6.4)
    axes.set_xlabel("separation of the modes $\\Delta$ (st. dev.)")
    axes.set_ylabel("variance, score matching / ML")
    axes.set_title("(c) score matching", pad=40)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.2, 1.0), ncols=2, columnspacing=0.7, labelspacing=0.25,
                borderaxespad=0.1, handletextpad=0.3)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mixture", required=True, help="JSON: weights, means, covariances")
    parser.add_argument("--denoised", required=True, help="the folder of models' errors")
    parser.add_argument("--truth", required=True, help="the .json of the mixture's exact values")
    parser.add_argument("--moments", required=True, help="the folder of samples' moments")
    parser.add_argument("--drawn", required=True, help="the folder of samples")
    parser.add_argument("--collapse", required=True, help="the folder of measured noises")
    parser.add_argument("--collapse-theory", required=True, help="the folder of predicted noises")
    parser.add_argument("--estimates", required=True, help="the table of measured variances")
    parser.add_argument("--sandwich", required=True, help="the table of predicted variances")
    parser.add_argument("--figures", nargs="+", required=True, help="the .svg and .png to write")
    parser.add_argument("--summary", required=True, help="the .json to write")
    arguments = parser.parse_args()

    truth = experiment.read_json(arguments.truth)
    least = np.array([row["mmse"] for row in truth["curve"]])
    denoised, collapse = {}, {}
    for row in collected(arguments.denoised):
        denoised.setdefault(int(row["points"]), []).append(experiment.read_json(row["path"]))
    for row in collected(arguments.collapse):
        collapse.setdefault(int(row["dimension"]), []).append(experiment.read_json(row["path"]))
    foretold = {
        int(row["dimension"]): experiment.read_json(row["path"]) for row in collected(arguments.collapse_theory)
    }
    moments = [experiment.read_json(row["path"]) for row in collected(arguments.moments)]
    with np.load(collected(arguments.drawn)[0]["path"]) as arrays:
        samples = arrays["drawn"]
    noises = collapse_cells(collapse, foretold)
    theory = experiment.read_table(arguments.sandwich)
    costs = cost_cells(experiment.read_table(arguments.estimates), theory)

    plt = experiment.pyplot("density-models")
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(7, 2.9), layout="constrained")
    draw_denoising(left, denoised, truth, Mixture(arguments.mixture), samples)
    draw_collapse(middle, noises)
    draw_cost(right, costs)
    experiment.save(figure, *arguments.figures)

    def ratios(rows, field):
        return np.mean([[cell[field] for cell in row["curve"]] for row in rows], axis=0) / least

    experiment.write_json(
        arguments.summary,
        {
            "entropy": {
                "exact": truth["entropy"],
                **{points: interval([row["entropy"] for row in rows]) for points, rows in denoised.items()},
            },
            "excess": {points: ratios(rows, "mse").max() - 1 for points, rows in denoised.items()},
            "training": {points: ratios(rows, "training").min() for points, rows in denoised.items() if points < 1000},
            "samples": {
                steps: {
                    "weights": np.mean([found[steps]["weights"] for found in moments], axis=0),
                    **{field: interval([found[steps][field] for found in moments]) for field in ("trace", "energy")},
                }
                for steps in moments[0]
            },
            "collapse": [
                {"dimension": cell["dimension"], "size": cell["size"], "measured": cell["mean"],
                 "predicted": cell["noise"]}
                for cell in noises
            ],
            "cost": costs,
        },
    )


if __name__ == "__main__":
    main()
