"""Predicts the error of a shell of N random points, exactly. No random number is used.

The force of one point at the distance s is 1/s^2, and its mean square over the sphere

    < 1/s^4 > = 1 / (1 - r^2)^2.

The mean force is that of the shell theorem, F = 0 inside and -1/r^2 outside; so the root mean square of the error is

    rms = sqrt((1 / (1 - r^2)^2 - F^2) / N).

On the shell itself the mean square is infinite: (s/2)^2 is uniform, and the force of one point exceeds f with the
probability 1 / (4 f). The mean of N such vectors, nearly all in the tangential plane, has a two-dimensional Cauchy law
of the same width 1/4 whatever N: P(error > f) = (1/4) / sqrt(f^2 + 1/16), with the median sqrt(3)/4. More points do not
help.
"""

import argparse

import numpy as np

import experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--radius", type=float, required=True)
    parser.add_argument("--points", type=int, nargs="+", required=True, help="numbers of points, N")
    parser.add_argument("--out", required=True, help="the .json to write, as shell.py does, with nulls")
    arguments = parser.parse_args()

    r, cells = arguments.radius, []
    for points in arguments.points:
        if r == 1:
            rms, median = None, np.sqrt(3) / 4
        else:
            mean = 0 if r < 1 else 1 / r**2
            rms, median = np.sqrt((1 / (1 - r * r) ** 2 - mean**2) / points), None
        cells.append({"points": points, "rms": rms, "median": median})
    experiment.write_json(arguments.out, {"cells": cells})


if __name__ == "__main__":
    main()
