"""Measures the error of an integrator after 1.3 turns against the analytic orbit, for several step sizes.

The error is the distance between computed and analytic position, as geometric mean over the orbits. A turn is the time
2 pi, the period of the ellipses; `steps` are counted for a turn.
"""

import argparse

import numpy as np

import experiment
from integrators import METHODS
from kepler import ellipse, in_space, parabola

TURNS = 1.3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orbits", required=True, help="the .npz that orbits.py wrote")
    parser.add_argument("--orbit", choices=["ellipse", "parabola"], required=True)
    parser.add_argument("--method", choices=METHODS, required=True)
    parser.add_argument("--steps", type=int, nargs="+", required=True, help="in a turn")
    parser.add_argument("--finer", type=int, required=True, help="a factor for all steps")
    parser.add_argument("--out", required=True, help="the .json to write: curve, a list of steps and error")
    arguments = parser.parse_args()

    with np.load(arguments.orbits) as data:
        eccentricity, mean, before, frame = (data[key] for key in ("eccentricity", "mean", "before", "frame"))
    time = 2 * np.pi * TURNS
    if arguments.orbit == "ellipse":
        start, end = ellipse(0, eccentricity, mean), ellipse(time, eccentricity, mean)
    else:
        start, end = parabola(-before), parabola(time - before)

    curve = []
    for steps in arguments.steps:
        count = round(steps * arguments.finer * TURNS)
        x, v = (in_space(frame, part) for part in start)
        for _ in range(count):
            x, v = METHODS[arguments.method](x, v, time / count)
        miss = np.sqrt(((x - in_space(frame, end[0])) ** 2).sum(axis=0))
        curve.append({"steps": count / TURNS, "error": np.exp(np.log(miss).mean())})
    experiment.write_json(arguments.out, {"curve": curve})


if __name__ == "__main__":
    main()
