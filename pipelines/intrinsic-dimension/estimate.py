"""Estimates the dimension of a set of points from the distances T_1 < T_2 < ... of each to its neighbours.

With mu = T_2 / T_1 and n points:

    twonn               n / sum ln mu                                        (Facco et al. 2017, by maximum likelihood)
    twonn_fit           the slope through 0 of -ln(1 - i/n) against ln mu_(i), the largest tenth left out (as they do)
    levina_bickel       the mean over points of (k-1) / sum_{j<k} ln(T_k / T_j)             (Levina & Bickel 2004)
    mackay_ghahramani   n (k-1) / sum over points and j < k of ln(T_k / T_j)                (MacKay & Ghahramani 2005)

`--noise` adds s N(0, 1) to every coordinate first.
"""

import argparse

import numpy as np

import experiment

ROWS = 100  # of the matrix of distances at a time, to stay in the processor's cache


def neighbour_distances(points, k):
    """The distances to the k nearest other points, ascending, one row for each point."""
    squares = np.einsum("ij,ij->i", points, points)
    nearest = np.empty((len(points), k))
    for start in range(0, len(points), ROWS):
        rows = points[start : start + ROWS]
        distances = squares - 2 * rows @ points.T + squares[start : start + ROWS, None]
        distances[np.arange(len(rows)), np.arange(start, start + len(rows))] = np.inf
        nearest[start : start + ROWS] = np.partition(distances, k - 1, axis=1)[:, :k]
    return np.sqrt(np.sort(nearest, axis=1))


def estimates(points, k):
    """All four estimates."""
    logs = np.log(neighbour_distances(points.astype(np.float64), k))
    n = len(logs)
    ratios = np.sort(logs[:, 1] - logs[:, 0])
    kept = (9 * n) // 10
    heights = -np.log1p(-np.arange(1, kept + 1) / n)
    sums = (logs[:, k - 1 :] - logs[:, : k - 1]).sum(axis=1)
    return {
        "twonn": n / ratios.sum(),
        "twonn_fit": heights @ ratios[:kept] / (ratios[:kept] @ ratios[:kept]),
        "levina_bickel": np.mean((k - 1) / sums),
        "mackay_ghahramani": n * (k - 1) / sums.sum(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", required=True, help="the .npy that points.py wrote")
    parser.add_argument("--neighbours", type=int, required=True, help="k")
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--universe", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--out", required=True, help="the .json to write")
    arguments = parser.parse_args()

    points = np.load(arguments.points)
    if arguments.noise:
        stream = experiment.stream(arguments.universe, "intrinsic-dimension", "noise", arguments.noise, arguments.seed)
        points = points + arguments.noise * stream.standard_normal(points.shape)
    experiment.write_json(arguments.out, estimates(points, arguments.neighbours))


if __name__ == "__main__":
    main()
