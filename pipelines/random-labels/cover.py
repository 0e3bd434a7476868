"""Counts the linearly separable dichotomies of points in general position, exactly. Nothing is drawn.

Cover (1965), "Geometrical and statistical properties of systems of linear inequalities": of the 2^N dichotomies of N
points in general position in d dimensions,

    C(N, d) = 2 sum_{k < d} binomial(N - 1, k)

are made by hyperplanes through the origin, wherever the points lie. The share C / 2^N is the probability that N - 1
fair coins show fewer than d heads: 1 for N <= d, and exactly 1/2 at N = 2 d, the capacity.
"""

import argparse
import math

import experiment


def share(points, dimension):
    """C(N, d) / 2^N."""
    return sum(math.comb(points - 1, k) for k in range(min(dimension, points))) / 2 ** (points - 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--load", type=float, required=True, help="points per dimension, N/d")
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .json to write: share, and curve: the share of 1 ... N")
    arguments = parser.parse_args()
    count = round(arguments.load * arguments.dimension)
    curve = [share(points, arguments.dimension) for points in range(1, count + 1)]
    experiment.write_json(arguments.out, {"points": count, "share": curve[-1], "curve": curve})


if __name__ == "__main__":
    main()
