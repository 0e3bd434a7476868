"""Draws the six levels on which gravity is simulated here, with their theories, and sums them up in numbers.

The summary's fields; measured means have `half` of their 95 % interval over seeds:

    orders        for each kind of orbit and method: curve (steps, error), measured and predicted exponent
    drift         for each method: curve (turn, error), measured and predicted exponent
    eccentric     for each eccentricity: range of the leapfrog's energy, measured and predicted
    shell         for each radius and number of points: error (rms, on the shell median), measured and predicted
    tree          for each angle: error, measured and predicted, and cells and points taken
    tree_exponent of the error against the angle up to 0.6, measured and predicted
    perihelion    for each strength: advance in radians per orbit, measured and predicted
    mercury       arc seconds a century: einstein (simulated), extrapolated (from the least exaggerated orbit), newton
                  (simulated), predicted
"""

import argparse
import json

import numpy as np

import experiment
from experiment import MEASURED, PREDICTED, QUIET, SERIES, groups, mean_and_half, points, read_json, read_table
from mercury import STRENGTH

COLORS = dict(zip(["euler", "leapfrog", "yoshida", "rk4"], [SERIES[3], SERIES[0], SERIES[2], SERIES[1]]))
NAMES = {"euler": "Euler", "leapfrog": "leapfrog", "yoshida": "Yoshida", "rk4": "RK4"}
MARKERS = {"euler": "D", "leapfrog": "o", "yoshida": "^", "rk4": "s"}


def measured(values, **more):
    mean, half = mean_and_half(values)
    return {"measured": mean, "half": half, **more}


def curves(rows, along, key):
    """The means over replicates of the curves in a column of JSON text, and their exponent."""
    some = [json.loads(row["curve"]) for row in rows]
    curve = [
        measured((one[place][key] for one in some), **{along: some[0][place][along]}) for place in range(len(some[0]))
    ]
    exponent = experiment.slope([point[along] for point in curve], [point["measured"] for point in curve])
    return {"curve": curve, "exponent": exponent}


def summarise(tables, perihelion_theory):
    """All numbers that are drawn: the fields that the top of this file lists."""
    laws = {row["name"]: row for row in tables["methods"]}
    orders = [
        {"orbit": orbit, "method": name, "predicted": laws[name]["order"], **curves(rows, "steps", "error")}
        for (orbit, name), rows in groups(tables["orders"], "orbit", "name").items()
    ]
    drift = [
        {"method": name, "predicted": laws[name]["drift"], **curves(rows, "turn", "error")}
        for name, rows in groups(tables["energy"], "name").items()
    ]
    predicted = {row["eccentricity"]: row["range"] for row in tables["eccentric_theory"]}
    eccentric = [
        measured((row["range"] for row in rows), eccentricity=e, predicted=predicted[e])
        for e, rows in groups(tables["eccentric"], "eccentricity").items()
    ]
    predicted = {row["radius"]: json.loads(row["cells"]) for row in tables["shell_theory"]}
    shell = []
    for radius, rows in groups(tables["shell"], "radius").items():
        some = [json.loads(row["cells"]) for row in rows]
        key = "median" if radius == 1 else "rms"
        for place, theory in enumerate(predicted[radius]):
            more = {"radius": radius, "points": theory["points"], "predicted": theory[key]}
            shell.append(measured((one[place][key] for one in some), **more))
    predicted = {row["angle"]: row["rms"] for row in tables["tree_theory"]}
    tree = [
        measured((row["rms"] for row in rows), angle=angle, predicted=predicted[angle],
                 taken=mean_and_half(row["taken"] for row in rows)[0])
        for angle, rows in groups(tables["tree"], "angle").items()
    ]  # fmt: skip
    small = [cell for cell in tree if cell["angle"] <= 0.6]
    tree_exponent = {
        key: experiment.slope([cell["angle"] for cell in small], [cell[key] for cell in small])
        for key in ("measured", "predicted")
    }
    some = [json.loads(row["cells"]) for row in tables["perihelion"]]
    perihelion = [
        measured((one[place]["advance"] for one in some), strength=theory["strength"], predicted=theory["advance"])
        for place, theory in enumerate(perihelion_theory["cells"])
    ]
    mercury = {
        "einstein": measured(row["mercury"] for row in tables["perihelion"]),
        "extrapolated": measured(row["extrapolated"] for row in tables["perihelion"]),
        "newton": measured(row["newton"] for row in tables["perihelion"]),
        "predicted": perihelion_theory["mercury"],
    }
    return {
        "orders": orders, "drift": drift, "eccentric": eccentric, "shell": shell, "tree": tree,
        "tree_exponent": tree_exponent, "perihelion": perihelion, "mercury": mercury,
    }  # fmt: skip


def columns(cells, *names):
    return [np.array([cell[name] for cell in cells]) for name in names]


def draw(summary, steady, paths):
    """The figure, 7 inches wide: both columns of a paper."""
    plt = experiment.pyplot("gravity")
    plt.rcParams["font.size"] = 8
    figure, panels = plt.subplots(2, 3, figsize=(7, 4.5), layout="constrained")
    for axes in panels.flat:
        axes.set_xscale("log")
        axes.set_yscale("log")

    axes = panels[0, 0]
    for item in summary["orders"]:
        if item["orbit"] == "ellipse":
            x, mean, half = columns(item["curve"], "steps", "measured", "half")
            color = COLORS[item["method"]]
            axes.plot(x, mean[-1] * (x / x[-1]) ** item["predicted"], color=color)
            label = f"{NAMES[item['method']]}: ${item['exponent']:.2f}$"
            points(axes, x, mean, half, color, label, MARKERS[item["method"]])
    axes.set_ylim(1e-10, 1e6)
    axes.set_xlabel("steps per turn")
    axes.set_ylabel("error after 1.3 turns")
    axes.legend(loc="upper left", handletextpad=0.2, borderaxespad=0, ncols=2, columnspacing=0.8,
                title="measured exponent", title_fontsize=7.5)  # fmt: skip

    axes = panels[0, 1]
    for item in summary["drift"]:
        x, mean, half = columns(item["curve"], "turn", "measured", "half")
        color = COLORS[item["method"]]
        axes.plot(x, mean[0] * (x / x[0]) ** item["predicted"], color=color)
        label = f"{NAMES[item['method']]}: ${abs(item['exponent']):.2f}$"
        points(axes, x, mean, half, color, label, MARKERS[item["method"]])
    axes.set_ylim(top=0.3)
    axes.set_xticks(x, [str(value) for value in x])
    axes.xaxis.minorticks_off()
    axes.set_xlabel("turns")
    axes.set_ylabel("energy, relative error")
    axes.legend(loc="upper left", handletextpad=0.2, borderaxespad=0, ncols=2, columnspacing=0.8)

    axes = panels[0, 2]
    e, mean, half, line = columns(summary["eccentric"], "eccentricity", "measured", "half", "predicted")
    limit = (2 * np.pi / steady) ** (2 / 3)
    axes.axvspan(6e-3, limit, color="#f3ead2", linewidth=0, zorder=0)
    axes.plot(1 - e, line, color=PREDICTED, label="modified energy")
    points(axes, 1 - e, mean, half, label="leapfrog")
    axes.set_xlim(1.3, 6e-3)
    axes.annotate("passage\nshorter\nthan a step", (limit, line.min()), xytext=(3, 2), textcoords="offset points",
                  fontsize=7, color="#555555")  # fmt: skip
    axes.set_xlabel("$1-e$")
    axes.set_ylabel("energy, range in a turn")
    axes.legend(loc="upper left", borderaxespad=0)

    axes = panels[1, 0]
    radii = list(groups(summary["shell"], "radius"))
    for place, radius in enumerate([1] + [r for r in radii if r != 1]):
        cells = [cell for cell in summary["shell"] if cell["radius"] == radius]
        x, mean, half, line = columns(cells, "points", "measured", "half", "predicted")
        color = MEASURED if radius == 1 else SERIES[[0, 0, 4, 2, 3][place]]
        axes.plot(x, line, color=color)
        label = f"$r={radius:g}$" + (" (on it)" if radius == 1 else "")
        points(axes, x, mean, half, color, label, "so^vD"[place])
    axes.set_ylim(4e-4, 30)
    axes.set_xlabel("points $N$ on a shell")
    axes.set_ylabel("error of the force")
    axes.legend(loc="upper right", handletextpad=0.2, borderaxespad=0, ncols=2, columnspacing=0.8)

    axes = panels[1, 1]
    x, mean, half, line = columns(summary["tree"], "angle", "measured", "half", "predicted")
    axes.plot(x, line, color=PREDICTED, label="quadrupoles of cells")
    points(axes, x, mean, half, label="tree less direct sum")
    axes.set_ylim(top=0.6)
    axes.set_xticks(x, [f"{value:g}" for value in x])
    axes.minorticks_off()
    axes.set_xlabel("opening angle $s/d$")
    axes.set_ylabel(r"error of the force  [$GM/L^2$]")
    axes.legend(loc="upper left", borderaxespad=0)

    axes = panels[1, 2]
    x, mean, half, line = columns(summary["perihelion"], "strength", "measured", "half", "predicted")
    mercury = summary["mercury"]
    scale = mercury["predicted"] / (6 * np.pi * STRENGTH)
    fine = np.array([1e-8, 3e-2])
    axes.plot(fine, 6 * np.pi * fine, color=PREDICTED, label=r"$6\pi GM/c^2a(1-e^2)$")
    points(axes, x, mean, half, label="exaggerated orbits")
    points(axes, [STRENGTH], [mercury["einstein"]["measured"] / scale], [0], SERIES[2], "Mercury", "s")
    einstein, newton = mercury["einstein"]["measured"], abs(mercury["newton"]["measured"])
    axes.text(0.98, 0.04, f"Mercury, simulated:\n{einstein:.2f}″ a century,\nby Newton {newton:.2f}″", fontsize=7,
              color=SERIES[2], ha="right", transform=axes.transAxes)  # fmt: skip
    axes.set_xlim(1e-8, 3e-2)
    axes.set_ylim(3e-8, 1e2)
    axes.set_xlabel("$GM/c^2a(1-e^2)$")
    axes.set_ylabel("advance  [rad per orbit]")
    axes.legend(loc="upper left", borderaxespad=0)

    for axes, letter in zip(panels.flat, "abcdef"):
        axes.set_title(letter, loc="left", fontweight="bold", pad=3)
    experiment.save(figure, *paths)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = ["orders", "energy", "methods", "eccentric", "eccentric-theory", "shell", "shell-theory", "tree",
             "tree-theory", "perihelion"]  # fmt: skip
    for name in names:
        parser.add_argument(f"--{name}", required=True, help="a collected table")
    parser.add_argument("--perihelion-theory", required=True, help="the .json of that step")
    parser.add_argument("--steady", type=int, required=True, help="steps in a turn of the eccentric orbits")
    parser.add_argument("--figures", nargs="+", required=True, help="the .svg and .png to write")
    parser.add_argument("--summary", required=True, help="the .json to write")
    arguments = parser.parse_args()

    tables = {name.replace("-", "_"): read_table(getattr(arguments, name.replace("-", "_"))) for name in names}
    summary = summarise(tables, read_json(arguments.perihelion_theory))
    draw(summary, arguments.steady, arguments.figures)
    experiment.write_json(arguments.summary, summary)


if __name__ == "__main__":
    main()
