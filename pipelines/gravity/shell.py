"""Measures the force of N random points on a spherical shell (radius 1, mass 1, G = 1) on a point at a distance r.

The shell theorem: 0 inside, -1/r^2 outside, -1/2 on the shell itself. `rms` and `median` are of the length of the
error, a vector, over independent shells.
"""

import argparse

import numpy as np

import experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--radius", type=float, required=True)
    parser.add_argument("--points", type=int, nargs="+", required=True, help="numbers of points, N")
    parser.add_argument("--shells", type=int, required=True)
    parser.add_argument("--universe", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .json to write: cells, a list of points, rms and median")
    arguments = parser.parse_args()

    r = arguments.radius
    exact = np.array([0, 0, 0 if r < 1 else -0.5 if r == 1 else -1 / r**2])
    cells = []
    for points in arguments.points:
        stream = experiment.stream(arguments.universe, "gravity", "shell", r, points, arguments.seed)
        errors = []
        for _ in range(arguments.shells):
            z = stream.uniform(-1, 1, points)
            turn = stream.uniform(0, 2 * np.pi, points)
            square = 1 + r * r - 2 * r * z
            weight = 1 / (square * np.sqrt(square))
            side = weight * np.sqrt(1 - z * z)
            force = np.array([np.mean(side * np.cos(turn)), np.mean(side * np.sin(turn)), np.mean(weight * (z - r))])
            errors.append(np.sqrt(((force - exact) ** 2).sum()))
        errors = np.array(errors)
        cells.append({"points": points, "rms": np.sqrt(np.mean(errors**2)), "median": np.median(errors)})
    experiment.write_json(arguments.out, {"cells": cells})


if __name__ == "__main__":
    main()
