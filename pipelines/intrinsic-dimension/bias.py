"""Measures how the bias of TwoNN shrinks with the number of points: in a cube (boundary) and on a torus (curvature).

One set has n points u uniform in [0, 1)^d. Their distances are taken twice: periodically, |u - v| mod 1, a flat space
without boundary, where ln mu has the mean 1/d exactly; and

    cube     |u - v|                                              (the boundary cuts neighbourhoods off)
    torus    between the points (cos 2 pi u, sin 2 pi u), chords        (the torus of Clifford, bent in space).

The difference of the two means of ln mu, times d, is the relative bias d/estimate - 1: positive in the cube, negative
on the torus; `bias` is its absolute value. The same points on both sides take most of the noise away (a control
variate).
"""

import argparse

import numpy as np
from scipy.spatial import cKDTree

import experiment


def mean_log_ratio(points, box=None):
    """The mean of ln(T_2 / T_1) over the points of a set, in a periodic box if one is given."""
    distances = cKDTree(points, boxsize=box).query(points, 3)[0]
    return np.mean(np.log(distances[:, 2] / distances[:, 1]))


def bias(manifold, dimension, samples, sets, stream):
    """The mean relative bias of 1/dimension over independent sets."""
    differences = []
    for _ in range(sets):
        u = stream.uniform(size=(samples, dimension))
        if manifold == "cube":
            points = u
        else:
            points = np.hstack([np.cos(2 * np.pi * u), np.sin(2 * np.pi * u)])
        differences.append(mean_log_ratio(points) - mean_log_ratio(u, 1.0))
    return dimension * np.mean(differences)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifold", choices=["cube", "torus"], required=True)
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--samples", type=int, nargs="+", required=True, help="numbers of points, n")
    parser.add_argument("--points", type=int, required=True, help="points in all, for each n")
    parser.add_argument("--universe", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .json to write: curve, a list of samples and bias")
    arguments = parser.parse_args()

    curve = []
    for samples in arguments.samples:
        stream = experiment.stream(
            arguments.universe, "intrinsic-dimension", "bias", arguments.manifold, arguments.dimension, samples,
            arguments.seed,
        )
        sets = max(1, arguments.points // samples)
        value = bias(arguments.manifold, arguments.dimension, samples, sets, stream)
        curve.append({"samples": samples, "bias": value if arguments.manifold == "cube" else -value})
    experiment.write_json(arguments.out, {"curve": curve})


if __name__ == "__main__":
    main()
