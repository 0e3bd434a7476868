"""Finds the compute-optimal frontier, its exponents, and what small runs foretell of large ones.

Compute is counted as C = width * examples. For a budget C, the losses of all widths N after C / N examples, between
recorded steps by straight lines in logarithms, have a least one; the parabola in ln N through it and its neighbours
gives the best loss and the best width. Everything else is a straight line in logarithms, over the ranges that the
parameter `ranges` names. The numbers, of the mean curves over the seeds:

    time           -d ln L / d ln t of the widest model in the steps `ranges.early`
    width          -d ln L / d ln N of the last loss, of the widths up to `ranges.late`
    compute        -d ln L / d ln C along the frontier, between the budgets `ranges.budgets`
    best_width     d ln N / d ln C along the frontier, between the same
    additive       b of the law L = A N^-a + B t^-b, fitted by least squares of ln L to all widths from ranges.early on
    cheap          -d ln L / d ln C along the frontier of the widths up to `ranges.small`, between `ranges.cheap`
    large          the loss of the widest model after `ranges.large` steps, and foretold, what the line of `cheap`
                   gives for its compute
    last           the last loss of the model of width `ranges.small`, and continued, what its own line in the steps
                   `ranges.early` gives

Each has the value and a 95 % interval, by a jackknife over the seeds (the ratios large / foretold and last / continued,
too). The same of the theory's curves, without intervals, is `theory`.
"""

import argparse
import json
import math

import numpy as np

import experiment

BUDGETS = 12  # on the frontier, evenly spaced in the logarithm


def straight(x, y):
    """The slope of a least-squares line, and its value at x = 0."""
    slope, intercept = np.polyfit(x, y, 1)
    return slope, intercept


def frontier(curves, step, batch, ends):
    """ln C, the best ln L and the best ln N, for budgets between two ends."""
    examples, widths = np.log(step * batch), sorted(curves)
    logs = np.log(widths)
    budgets, found = np.linspace(*np.log(ends), BUDGETS), []
    for budget in budgets:
        losses = np.array([np.interp(budget - n, examples, np.log(curves[w])) for n, w in zip(logs, widths)])
        i = int(np.clip(np.argmin(losses), 1, len(widths) - 2))
        bend, slope, here = np.polyfit(logs[i - 1 : i + 2] - logs[i], losses[i - 1 : i + 2], 2)
        shift = -slope / (2 * bend)
        found.append((here + slope * shift / 2, logs[i] + shift))
    return budgets, *np.transpose(found)


def additive(curves, step, first):
    """The exponents a and b of L = A N^-a + B t^-b."""
    from scipy.optimize import least_squares

    late = step >= first
    n = np.repeat(np.log(sorted(curves)), late.sum())
    t = np.tile(np.log(step[late]), len(curves))
    y = np.concatenate([np.log(curves[w][late]) for w in sorted(curves)])
    fit = least_squares(lambda p: np.logaddexp(p[0] - p[1] * n, p[2] - p[3] * t) - y, [0.0, 0.7, 0.0, 0.5])
    return fit.x[1], fit.x[3]


def statistics(curves, step, batch, ranges):
    """All numbers of one set of curves."""
    widest, small = max(curves), ranges["small"]
    early = (step >= ranges["early"][0]) & (step <= ranges["early"][1])
    floors = [w for w in sorted(curves) if w <= ranges["late"]]
    budgets, losses, best = frontier(curves, step, batch, ranges["budgets"])
    cheap = frontier({w: curves[w] for w in curves if w <= small}, step, batch, ranges["cheap"])
    slope, start = straight(*cheap[:2])
    large = math.exp(np.interp(math.log(ranges["large"]), np.log(step), np.log(curves[widest])))
    foretold = math.exp(start + slope * math.log(widest * ranges["large"] * batch))
    own, beginning = straight(np.log(step[early]), np.log(curves[small][early]))
    last, continued = curves[small][-1], math.exp(beginning + own * math.log(step[-1]))
    return {
        "time": -straight(np.log(step[early]), np.log(curves[widest][early]))[0],
        "width": -straight(np.log(floors), np.log([curves[w][-1] for w in floors]))[0],
        "compute": -straight(budgets, losses)[0],
        "best_width": straight(budgets, best)[0],
        "additive": additive(curves, step, ranges["early"][0])[1],
        "cheap": -slope,
        "large": large,
        "foretold": foretold,
        "large_ratio": large / foretold,
        "last": last,
        "continued": continued,
        "last_ratio": last / continued,
    }


def jackknifed(losses, estimate):
    """`estimate` of the mean curves, each of its numbers with a 95 % interval from leaving out one seed at a time."""
    from scipy.stats import t

    n = min(map(len, losses.values()))
    whole = estimate({w: np.mean(curves, axis=0) for w, curves in losses.items()})
    if n < 2:
        return {name: {"value": value, "interval": [value, value], "n": n} for name, value in whole.items()}
    left = [estimate({w: np.delete(curves, i, axis=0).mean(axis=0) for w, curves in losses.items()}) for i in range(n)]
    found = {}
    for name, value in whole.items():
        parts = np.array([part[name] for part in left])
        half = float(t.ppf(0.975, n - 1)) * math.sqrt((n - 1) / n * ((parts - parts.mean()) ** 2).sum())
        found[name] = {"value": value, "interval": [value - half, value + half], "n": n}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--ranges", type=json.loads, required=True, help="the ranges of the fits, as JSON")
    parser.add_argument("--measured", required=True, help="a table with the columns width, seed, step, loss")
    parser.add_argument("--theory", required=True, help="a table with the columns width, step, loss")
    parser.add_argument("--out", required=True, help="the .json to write")
    arguments = parser.parse_args()

    def curves(path):
        rows = experiment.groups(experiment.read_table(path), "width")
        return {width: [np.array(json.loads(row["loss"])) for row in found] for width, found in rows.items()}

    measured, predicted = curves(arguments.measured), curves(arguments.theory)
    step = np.array(json.loads(experiment.read_table(arguments.theory)[0]["step"]))
    batch, ranges = arguments.batch, arguments.ranges

    def line(losses):
        means = {w: np.mean(found, axis=0) for w, found in losses.items()}
        budgets, least, best = frontier(means, step, batch, ranges["budgets"])
        return {"compute": np.exp(budgets), "loss": np.exp(least), "width": np.exp(best)}

    result = jackknifed(measured, lambda means: statistics(means, step, batch, ranges))
    result["theory"] = statistics({w: found[0] for w, found in predicted.items()}, step, batch, ranges)
    result["frontier"], result["theory"]["frontier"] = line(measured), line(predicted)
    experiment.write_json(arguments.out, result)


if __name__ == "__main__":
    main()
