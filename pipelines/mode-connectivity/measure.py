"""Measures the loss along the paths between the two networks of a pair, A and B.

line      the straight path from A to B
matched   the straight path from A to B with its units permuted by match.py
curve     the trained Bezier curve of bend.py
halves    the path of Kuditipudi et al. 2019 for even widths. The units are split in two halves S and T, at random; of
          SPLITS splits that one is taken whose bound (below) is lowest. All linear:
          A -> A', in which S carries twice its outgoing weights and T none (only outgoing weights move);
          T's incoming weights move to those that B has there (they carry nothing, the loss stays);
          A' -> B', from S to T, in which T carries twice B's outgoing weights (only outgoing weights move);
          S's incoming weights move to those of B (the loss stays);  B' -> B.
          Where only outgoing weights move the loss is convex, so that it never exceeds
          bound = max(L(A), L(A'), L(B), L(B')).
spare     from A with one more unit that carries nothing to a copy of A with units permuted and signs changed at random.
          The units move one by one: the free unit takes another's incoming weights, or their negative; then the outgoing
          weight is handed over, and the unit that gave it is free. The output never changes.

The numbers written: `ends`, the losses of A and B; for line, matched, curve and halves the losses along the path
(lists, in equal steps of each piece), for all but halves the `barrier`: how far they rise above the straight line
between those of the ends; and

    ratio        the barrier of the curve over that of the line
    highest      the largest loss on the curve
    half         the mean of L(half) - L over SPLITS random halves with doubled outgoing weights, of both networks
    bound, excess    of the path `halves`: the bound, and how far the largest loss exceeds it
    rise         the bound less the larger loss of the ends
    spare        the largest |L - L(A)| on the path through a spare unit
    distance     the mean squared distance of matched units
"""

import argparse

import experiment
import numpy as np
from network import barrier, bezier, features, line, loss, losses

POINTS, PIECE, SPLITS = 101, 11, 64


def kept(units, rows):
    """The network in which only some units, half of all, carry anything: twice what they did."""
    half = units.copy()
    half[:, -1] = 0
    half[rows, -1] = 2 * units[rows, -1]
    return half


def halves(first, last, splits, inputs, labels):
    """The path through the halves, as a list of networks, and its bound."""
    ends = max(loss(first, inputs, labels), loss(last, inputs, labels))

    def bound(split):
        s, t = split[: len(split) // 2], split[len(split) // 2 :]
        return max(ends, loss(first[s], inputs, labels), loss(last[t], inputs, labels))

    bounds = [bound(split) for split in splits]
    split = splits[int(np.argmin(bounds))]
    s, t = split[: len(split) // 2], split[len(split) // 2 :]
    corners = [first, kept(first, s)]
    corners.append(corners[-1].copy())
    corners[-1][t, :-1] = last[t, :-1]
    corners.append(corners[-1].copy())
    corners[-1][s, -1] = 0
    corners[-1][t, -1] = 2 * last[t, -1]
    corners += [kept(last, t), last]
    path = [units for a, b in zip(corners, corners[1:]) for units in line(a, b, PIECE)]
    return path, min(bounds)


def through_spare(units, order, signs):
    """The corners of the path that brings signs[j] * units[order[j]] into row j, through one more unit that is free."""
    width = len(units)
    now = np.vstack([units, np.zeros(units.shape[1])])
    now[-1, :-1] = units[0, :-1]
    # The output is a mean over width + 1 rows now; the outgoing weights make up for it.
    now[:, -1] *= (width + 1) / width
    corners, free, where = [now], width, list(range(width))

    def move(unit, sign):
        nonlocal now, free
        here = where[unit]
        now = now.copy()
        now[free, :-1] = sign * now[here, :-1]
        corners.append(now)
        now = now.copy()
        now[free, -1], now[here, -1] = sign * now[here, -1], 0
        corners.append(now)
        where[unit], free = free, here

    for row in range(width):
        unit = int(order[row])
        if where[unit] == row:  # only the sign may be wrong: out and, with the sign changed, back
            if signs[row] < 0:
                move(unit, -1)
                move(unit, 1)
            continue
        if free != row:  # whoever sits here goes to the free row
            move(where.index(row), 1)
        move(unit, signs[row])
    return corners


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--task", required=True, help="the .npz that task.py wrote")
    parser.add_argument("--ends", required=True, help="the .npz that train.py wrote")
    parser.add_argument("--matching", required=True, help="the .npz that match.py wrote")
    parser.add_argument("--bend", required=True, help="the .npz that bend.py wrote")
    parser.add_argument("--out", required=True, help="the .json to write")
    arguments = parser.parse_args()

    with np.load(arguments.task) as task:
        inputs, labels = task["inputs"], task["labels"]
    with np.load(arguments.ends) as ends:
        first, last = ends["first"], ends["last"]
    with np.load(arguments.bend) as curve:
        bend = curve["bend"]
    width, name = arguments.width, (arguments.universe, "mode-connectivity")
    result = {"ends": [loss(first, inputs, labels), loss(last, inputs, labels)]}

    with np.load(arguments.matching) as matching:
        partners = matching[str(width)]
    result["distance"] = np.mean(((first - last[partners]) ** 2).sum(1))
    paths = {
        "line": line(first, last, POINTS),
        "matched": line(first, last[partners], POINTS),
        "curve": bezier(first, bend, last, POINTS),
    }
    for path, networks in paths.items():
        along = losses(networks, inputs, labels)
        result[path] = {"along": along, "barrier": barrier(along)}
    result["ratio"] = result["curve"]["barrier"] / result["line"]["barrier"]
    result["highest"] = max(result["curve"]["along"])

    result.update(dict.fromkeys(("half", "bound", "excess", "rise", "halves")))
    if width % 2 == 0:
        random = experiment.stream(*name, "splits", arguments.seed, width)
        splits = [random.permutation(width) for _ in range(SPLITS)]
        kinds = np.zeros((width, SPLITS))
        for column, split in enumerate(splits):
            kinds[split[: width // 2], column] = 2 / width
        rises = []
        for units, whole in zip((first, last), result["ends"]):
            errors = features(units, inputs) @ kinds - labels[:, None]
            rises.append(0.5 * np.mean(errors**2) - whole)
        result["half"] = np.mean(rises)
        path, result["bound"] = halves(first, last, splits, inputs, labels)
        along = losses(path, inputs, labels)
        result["halves"] = {"along": along}
        result["excess"] = max(along) - result["bound"]
        result["rise"] = result["bound"] - max(result["ends"])

    random = experiment.stream(*name, "symmetry", arguments.seed, width)
    order, signs = random.permutation(width), random.choice([-1.0, 1.0], width)
    signs[0] = -1
    corners = through_spare(first, order, signs)
    if np.abs(corners[-1][:width] * width / (width + 1) - signs[:, None] * first[order])[:, -1].max() > 1e-9:
        raise AssertionError("the path through the spare unit does not end where it should")
    path = [units for a, b in zip(corners, corners[1:]) for units in line(a, b, 3)[1:]]
    result["spare"] = np.abs(losses(path, inputs, labels) - result["ends"][0]).max()
    experiment.write_json(arguments.out, result)


if __name__ == "__main__":
    main()
