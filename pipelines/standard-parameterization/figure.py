"""Draws what becomes of a network as it is made wider or deeper, and sums the comparison up in numbers. Four panels:

    (a) the largest stable learning rate against width, with the tangent kernel's prediction
    (b) the move of features and output in one step, against width, with the predicted powers through the means
    (c) the variance of ln |h_L|^2 against L/n, with 5 L/n
    (d) ln |g|^2 of a gradient against the layers that it was sent back through, with slope ln chi

The summary's fields:

    kernel_ratio/P   {"value", "interval", "n"} for P = sp, ntp, mup: the largest stable rate over the predicted one,
                     mean over the widths from `wide` on; the interval is Student's over seeds
    rates            cells of parameterisation, width, measured (mean), predicted
    tests            the mean number of stability tests of a network
"""

import argparse
import json

import numpy as np

import experiment

NAMES = {"sp": "standard", "ntp": "NTK", "mup": r"$\mu$P"}
COLOURS = dict(zip(NAMES, [experiment.MEASURED, experiment.BROKEN, experiment.PREDICTED]))
MARKERS = dict(zip(NAMES, "o^s"))


def means(rows, field, *columns):
    """Keys, means and halves of the 95 % intervals of a field, by the values of columns."""
    found = {key: experiment.mean_and_half([row[field] for row in same])
             for key, same in experiment.groups(rows, *columns).items()}
    return found


def predicted_rate(kernel, name, width):
    return kernel["rate"][name][kernel["width"].index(width)]


def summarise(rates, kernel, wide, networks):
    """The fields that the top of this file lists."""
    ratio = {}
    for name in NAMES:
        cells = [row for row in rates if row["parameterisation"] == name and row["width"] >= wide]
        by_seed = [
            np.mean([row["rate"] / predicted_rate(kernel, name, row["width"]) for row in same])
            for same in experiment.groups(cells, "seed").values()
        ]
        mean, half = experiment.mean_and_half(by_seed)
        ratio[name] = {"value": mean, "interval": [mean - half, mean + half], "n": len(by_seed)}
    cells = [
        {"parameterisation": name, "width": width, "measured": mean, "predicted": predicted_rate(kernel, name, width)}
        for (name, width), (mean, _) in means(rates, "rate", "parameterisation", "width").items()
    ]
    return {
        "kernel_ratio": ratio,
        "rates": cells,
        "tests": float(np.mean([row["tests"] for row in rates])) / networks,
    }


def logarithmic(axes, widths):
    """Both axes logarithmic, the horizontal one with the widths as ticks."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator(widths))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("width $n$")


def draw_rates(axes, rates, kernel):
    widths = sorted({row["width"] for row in rates})
    dense = [width for width in kernel["width"] if widths[0] <= width <= widths[-1]]
    found = means(rates, "rate", "parameterisation", "width")
    for name, title in NAMES.items():
        if name != "mup":
            axes.plot(dense, [predicted_rate(kernel, name, width) for width in dense], color=COLOURS[name])
        mean, half = zip(*(found[name, width] for width in widths))
        if name == "mup":
            axes.axhline(np.exp(np.mean(np.log(mean))), color=COLOURS[name], linestyle=(0, (3, 2)))
        experiment.points(axes, widths, mean, half, COLOURS[name], title, MARKERS[name])
    logarithmic(axes, widths)
    low, high = axes.get_ylim()
    axes.set_ylim(low / 12, high * 2)
    axes.plot([], [], color="black", label="tangent kernel")
    axes.plot([], [], color="black", linestyle=(0, (3, 2)), label="exponent 0")
    axes.set_ylabel(r"largest stable rate $\eta_{\max}$")
    axes.set_title("(a) stability")
    axes.legend(loc="lower left", labelspacing=0.25, borderaxespad=0.1, ncols=2)


def draw_step(axes, steps, powers):
    widths = np.array(sorted({row["width"] for row in steps}), float)
    for field, style, filled in (("features", "-", False), ("logits", (0, (4, 1.5)), True)):
        found = means(steps, field, "parameterisation", "width")
        for name in NAMES:
            mean, half = zip(*(found[name, int(width)] for width in widths))
            line = np.exp(np.mean(np.log(mean))) * (widths / np.exp(np.mean(np.log(widths)))) ** powers[name][field]
            axes.plot(widths, line, color=COLOURS[name], linestyle=style, linewidth=1)
            drawn = experiment.points(axes, widths, mean, half, COLOURS[name], None, MARKERS[name])
            drawn[0].set_markersize(5 if name == "ntp" else 3)  # its output moves as that of mup
            if filled:
                drawn[0].set_markerfacecolor(COLOURS[name])
    logarithmic(axes, widths)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * 12)
    for label, face, style in ((r"features $|\Delta h_2|/|h_2|$", "white", "-"),
                               (r"output $|\Delta f|$", "black", (0, (4, 1.5)))):
        axes.plot([], [], color="black", marker="o", markerfacecolor=face, linestyle=style, linewidth=1, label=label)
    axes.set_ylabel("move in one small step")
    axes.set_title("(b) one step, with predicted powers (colours as in a)")
    axes.legend(loc="upper left", labelspacing=0.25, borderaxespad=0.1, handlelength=2.2)


def draw_norms(axes, norms, constant):
    aspects = []
    ensembles = reversed(experiment.groups(norms, "units").items())
    for (units, same), colour, marker in zip(ensembles, experiment.SERIES, "os^v"):
        depths = json.loads(same[0]["depths"])
        variances = np.array([json.loads(row["variances"]) for row in same])
        mean, half = zip(*(experiment.mean_and_half(column) for column in variances.T))
        aspects.extend(depth / units for depth in depths)
        experiment.points(axes, np.array(depths) / units, mean, half, colour, f"$n = {units}$", marker)
    line = np.array([min(aspects) / 1.3, max(aspects) * 1.3])
    axes.plot(line, constant * line, color="black", linewidth=1, label=f"${constant:g} L/n$", zorder=1)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("depth over width $L/n$")
    axes.set_ylabel(r"$\mathrm{Var}\,\ln|h_L|^2$")
    axes.set_title("(c) length of the features")
    axes.legend(loc="upper left", labelspacing=0.25, borderaxespad=0.1)


def draw_gradients(axes, gradients, growth):
    keys = sorted({(row["activation"], row["gain"]) for row in gradients}, key=lambda key: (key[0], -key[1]))
    for (activation, gain), colour in zip(keys, experiment.SERIES):
        lines = np.array([
            json.loads(row["norms"]) for row in gradients if (row["activation"], row["gain"]) == (activation, gain)
        ])
        layers = np.arange(lines.shape[1])
        mean, half = map(np.array, zip(*(experiment.mean_and_half(column) for column in lines.T)))
        axes.plot(layers, layers * np.log(growth[activation, gain]), color=colour, linewidth=1,
                  linestyle="-" if activation == "relu" else (0, (3, 2)))
        experiment.points(axes, layers[2::3], mean[2::3], half[2::3], colour, rf"{activation}, $\sigma_w^2={gain:g}$",
                          "o" if activation == "relu" else "s")
    axes.set_xlabel("layers sent back through")
    axes.set_ylabel(r"$\ln\,(|g_l|^2/|g_L|^2)$")
    axes.set_title(r"(d) gradients, with predicted growth")
    axes.legend(loc="upper left", labelspacing=0.2, borderaxespad=0.1, ncols=2, columnspacing=0.9)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.45 * (high - low))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rates", required=True, help="the table of the largest stable rates")
    parser.add_argument("--kernel", required=True, help="the .json that kernel.py wrote")
    parser.add_argument("--steps", required=True, help="the table of single steps")
    parser.add_argument("--powers", required=True, help="the table of predicted powers")
    parser.add_argument("--norms", required=True, help="the table of norms")
    parser.add_argument("--gradients", required=True, help="the table of gradients")
    parser.add_argument("--meanfield", required=True, help="the table of predicted growth")
    parser.add_argument("--networks", type=int, required=True, help="networks of a bisection")
    parser.add_argument("--wide", type=int, required=True, help="widths that count for kernel_ratio")
    parser.add_argument("--figures", nargs="+", required=True, help="the .svg and .png to write")
    parser.add_argument("--summary", required=True, help="the .json to write")
    arguments = parser.parse_args()

    rates = experiment.read_table(arguments.rates)
    kernel = experiment.read_json(arguments.kernel)
    powers = {row["parameterisation"]: row for row in experiment.read_table(arguments.powers)}
    meanfield = experiment.read_table(arguments.meanfield)
    growth = {(row["activation"], row["gain"]): row["growth"] for row in meanfield}

    plt = experiment.pyplot("standard-parameterization")
    figure, panels = plt.subplots(2, 2, figsize=(7, 5), layout="constrained")
    draw_rates(panels[0, 0], rates, kernel)
    draw_step(panels[0, 1], experiment.read_table(arguments.steps), powers)
    draw_norms(panels[1, 0], experiment.read_table(arguments.norms), meanfield[0]["fluctuation"])
    draw_gradients(panels[1, 1], experiment.read_table(arguments.gradients), growth)
    experiment.save(figure, *arguments.figures)
    experiment.write_json(arguments.summary, summarise(rates, kernel, arguments.wide, arguments.networks))


if __name__ == "__main__":
    main()
