"""One round of counting the dichotomies that a hyperplane through the origin can make: draws more, until it is enough.

A dichotomy gives each of N points in d dimensions a sign y_i at random. It is linearly separable if there is a w with
y_i <w, x_i> > 0 for all i; if not, and only then (Gordan 1873), there are weights a >= 0 with

    sum_i a_i y_i x_i = 0,   sum_i a_i = 1.

Non-negative least squares finds the weights that come closest. If they miss, with residual r = (-w, t) and t = |r|^2
> 0, the conditions of optimality say y_i <w, x_i> >= t for all i: then w separates, which is checked. So both answers
are certain, up to rounding.

Points: `gaussian`; `digits`, images projected to d dimensions at random; `flat`, Gaussian in a subspace of d/2
dimensions (not in general position). The points are the same in each round. The state is the two counts; the interval
for the probability is Wilson's with 95 %, and the rounds end when half its width is at most `precision`.
"""

import argparse
import math
import os

import numpy as np
from scipy.optimize import nnls

import experiment

Z = 1.959963984540054
EXACT = 1e-7


def place(kind, load, dimension, universe, path):
    """The points, N = load * d of them, as rows."""
    count = round(load * dimension)
    stream = experiment.stream(universe, "random-labels", "points", kind, load, dimension)
    if kind == "gaussian":
        return stream.standard_normal((count, dimension))
    if kind == "flat":
        half = dimension // 2
        return stream.standard_normal((count, half)) @ stream.standard_normal((half, dimension))
    with np.load(path) as arrays:
        images = arrays["images"]
    images = images - images.mean(axis=0)
    chosen = images[stream.permutation(len(images))[:count]]
    return chosen @ stream.standard_normal((images.shape[1], dimension))


def separable(points, signs):
    """Whether a hyperplane through the origin makes this dichotomy."""
    rows = signs[:, None] * points
    system = np.vstack([rows.T, np.ones(len(rows))])
    wanted = np.zeros(len(system))
    wanted[-1] = 1
    weights, miss = nnls(system, wanted)
    if miss <= EXACT:
        return False
    normal = system[:-1] @ weights
    if not (rows @ normal).min() > 0:
        raise SystemExit("neither separated nor shown to be inseparable: the points are too badly scaled")
    return True


def wilson(successes, trials):
    """The share's middle and half width of Wilson's 95 % interval."""
    share = successes / trials
    scale = 1 + Z * Z / trials
    middle = (share + Z * Z / (2 * trials)) / scale
    return middle, Z / scale * math.sqrt(share * (1 - share) / trials + (Z / (2 * trials)) ** 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--points", choices=["gaussian", "digits", "flat"], required=True)
    parser.add_argument("--load", type=float, required=True, help="points per dimension, N/d")
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--digits", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--batch", type=int, required=True, help="dichotomies drawn in a round")
    parser.add_argument("--precision", type=float, required=True)
    parser.add_argument("--previous", required=True, help="the state of the round before; empty in the first round")
    parser.add_argument("--out", required=True, help="the .json to write: rounds, drawn, separable, share, converged")
    arguments = parser.parse_args()

    state = {"rounds": 0, "drawn": 0, "separable": 0}
    if os.path.getsize(arguments.previous) > 0:
        state = experiment.read_json(arguments.previous)
    points = place(arguments.points, arguments.load, arguments.dimension, arguments.universe, arguments.digits)
    stream = experiment.stream(
        arguments.universe, "random-labels", "dichotomies", arguments.points, arguments.load, arguments.dimension,
        "round", state["rounds"],
    )
    signs = stream.choice([-1.0, 1.0], size=(arguments.batch, len(points)))
    found = state["separable"] + sum(separable(points, row) for row in signs)
    drawn = state["drawn"] + arguments.batch
    middle, half = wilson(found, drawn)
    share = found / drawn
    experiment.write_json(
        arguments.out,
        {
            "rounds": state["rounds"] + 1,
            "drawn": drawn,
            "separable": found,
            "share": {
                "value": share,
                "interval": [min(middle - half, share), max(middle + half, share)],  # against rounding at 0 and 1
                "n": drawn,
            },
            "converged": half <= arguments.precision,
        },
    )


if __name__ == "__main__":
    main()
