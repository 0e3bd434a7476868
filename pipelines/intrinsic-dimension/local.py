"""Measures means and variances of the estimators over many small sets on the sphere S^2, where they are exact.

The area within a chord r of a point of S^2 is pi r^2 whatever r (Archimedes), so T_j / T_k has exactly the law that the
estimators assume, for any number of points. For each number of neighbours k, over all sets:

    levina_bickel         mean over points and sets of (k-1) / sum_{j<k} ln(T_k / T_j), divided by d = 2
    mackay_ghahramani     inverse of the mean of sum_{j<k} ln(T_k / T_j) / (k-1), divided by d
    variance              variance over sets of the inverse estimate d/m, times the number of ratios n (k-1):
                          1 if the neighbourhoods were independent

and the same for the estimate from all neighbours within a fixed radius R (of which there are `expected` in the mean):

    ball_variance         variance of d * mean ln(R / T) over all pairs within R, times the mean number of ratios.
"""

import argparse

import numpy as np

import experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, required=True, help="points of a set")
    parser.add_argument("--sets", type=int, required=True)
    parser.add_argument("--neighbours", type=int, nargs="+", required=True, help="the numbers k, ascending")
    parser.add_argument("--expected", type=float, required=True, help="mean number of neighbours within R")
    parser.add_argument("--universe", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .json to write: neighbours, a list; ball_variance")
    arguments = parser.parse_args()

    n, most = arguments.samples, arguments.neighbours[-1]
    stream = experiment.stream(arguments.universe, "intrinsic-dimension", "local", arguments.batch)
    log_square = np.log(4 * arguments.expected / (n - 1))  # of R: a share R^2/4 of the sphere lies within R
    local = {k: [] for k in arguments.neighbours}
    pooled = {k: [] for k in arguments.neighbours}
    sums, counts = [], []
    for _ in range(arguments.sets):
        points = stream.standard_normal((n, 3))
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        squares = 2 - 2 * points @ points.T
        np.fill_diagonal(squares, np.inf)
        logs = np.log(np.sort(np.partition(squares, most, axis=1)[:, : most + 1], axis=1)) / 2
        inside = np.maximum(log_square / 2 - logs, 0)
        if inside[:, -1].any():
            raise SystemExit("a neighbourhood holds more points than `neighbours` reaches: lower `expected`")
        sums.append(inside.sum())
        counts.append(np.count_nonzero(inside))
        for k in arguments.neighbours:
            sum_k = (logs[:, k - 1 : k] - logs[:, : k - 1]).sum(axis=1)
            local[k].append(np.mean((k - 1) / sum_k))
            pooled[k].append(2 * sum_k.mean() / (k - 1))
    ratios = 2 * np.array(sums) / np.array(counts)
    experiment.write_json(
        arguments.out,
        {
            "neighbours": [
                {
                    "neighbours": k,
                    "levina_bickel": np.mean(local[k]) / 2,
                    "mackay_ghahramani": 1 / np.mean(pooled[k]),
                    "variance": np.var(pooled[k], ddof=1) * n * (k - 1),
                }
                for k in arguments.neighbours
            ],
            "ball_variance": np.var(ratios, ddof=1) * np.mean(counts),
        },
    )


if __name__ == "__main__":
    main()
