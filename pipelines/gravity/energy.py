"""Measures how the error of the energy grows over many turns of elliptic orbits.

The error in a turn is the largest |E/E_0 - 1| over its steps, as geometric mean over the orbits.
"""

import argparse

import numpy as np

import experiment
from integrators import METHODS, energy
from kepler import ellipse, in_space


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orbits", required=True, help="the .npz that orbits.py wrote")
    parser.add_argument("--method", choices=METHODS, required=True)
    parser.add_argument("--steps", type=int, required=True, help="in a turn")
    parser.add_argument("--turns", type=int, nargs="+", required=True, help="the turns that are measured, ascending")
    parser.add_argument("--out", required=True, help="the .json to write: curve, a list of turn and error")
    arguments = parser.parse_args()

    with np.load(arguments.orbits) as data:
        start = ellipse(0, data["eccentricity"], data["mean"])
        x, v = (in_space(data["frame"], part) for part in start)
    step, h, first = METHODS[arguments.method], 2 * np.pi / arguments.steps, energy(x, v)
    curve = []
    for turn in range(1, arguments.turns[-1] + 1):
        largest = np.zeros(len(first))
        for _ in range(arguments.steps):
            x, v = step(x, v, h)
            if turn in arguments.turns:
                largest = np.maximum(largest, np.abs(energy(x, v) / first - 1))
        if turn in arguments.turns:
            curve.append({"turn": turn, "error": np.exp(np.log(largest).mean())})
    experiment.write_json(arguments.out, {"curve": curve})


if __name__ == "__main__":
    main()
