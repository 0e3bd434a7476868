"""Measures by how much the energy of a leapfrog goes up and down on ellipses, near the parabola or not.

The range is the largest less the smallest energy over three turns with a fixed step, as median over orbits that start
anywhere on the ellipse (a = 1, GM = 1; the energy is -1/2).
"""

import argparse

import numpy as np

import experiment
from integrators import energy, leapfrog
from kepler import ellipse, frames, in_space


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--eccentricity", type=float, required=True)
    parser.add_argument("--orbits", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True, help="in a turn")
    parser.add_argument("--universe", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .json to write: range")
    arguments = parser.parse_args()

    stream = experiment.stream(arguments.universe, "gravity", "eccentric", arguments.eccentricity, arguments.seed)
    start = ellipse(0, arguments.eccentricity, stream.uniform(0, 2 * np.pi, arguments.orbits))
    frame = frames(arguments.orbits, stream)
    x, v = (in_space(frame, part) for part in start)
    low = high = energy(x, v)
    for _ in range(3 * arguments.steps):
        x, v = leapfrog(x, v, 2 * np.pi / arguments.steps)
        now = energy(x, v)
        low, high = np.minimum(low, now), np.maximum(high, now)
    experiment.write_json(arguments.out, {"range": np.median(high - low)})


if __name__ == "__main__":
    main()
