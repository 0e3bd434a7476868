"""Trains the bend of a curve between the two networks of a pair: the control point of a quadratic Bezier curve.

Timur Garipov, Pavel Izmailov, Dmitrii Podoprikhin, Dmitry Vetrov and Andrew Gordon Wilson, "Loss surfaces, mode
connectivity, and fast ensembling of DNNs", NeurIPS 2018. The curve from A to B,

    g(t) = (1-t)^2 A + 2 t (1-t) C + t^2 B,

starts as the straight line, C = (A + B)/2, and C is moved by Adam along the gradient of the mean of L(g(t)) over
t in (0, 1), estimated at every step by four stratified random values of t.
"""

import argparse

import experiment
import numpy as np
from network import gradient

STRATA, RATE, DECAYS = 4, 0.1, (0.9, 0.99)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--task", required=True, help="the .npz that task.py wrote")
    parser.add_argument("--ends", required=True, help="the .npz that train.py wrote")
    parser.add_argument("--out", required=True, help="the .npz to write: bend, the control point")
    arguments = parser.parse_args()

    with np.load(arguments.task) as task:
        inputs, labels = task["inputs"], task["labels"]
    with np.load(arguments.ends) as ends:
        first, last = ends["first"], ends["last"]
    random = experiment.stream(arguments.universe, "mode-connectivity", "bend", arguments.seed, arguments.width)

    bend = (first + last) / 2
    mean, square = np.zeros_like(bend), np.zeros_like(bend)
    for step in range(arguments.steps):
        slope = np.zeros_like(bend)
        for t in (np.arange(STRATA) + random.random(STRATA)) / STRATA:
            units = (1 - t) ** 2 * first + 2 * t * (1 - t) * bend + t**2 * last
            slope += 2 * t * (1 - t) / STRATA * gradient(units, inputs, labels)[1]
        mean = DECAYS[0] * mean + (1 - DECAYS[0]) * slope
        square = DECAYS[1] * square + (1 - DECAYS[1]) * slope**2
        corrected = mean / (1 - DECAYS[0] ** (step + 1))
        scale = np.sqrt(square / (1 - DECAYS[1] ** (step + 1))) + 1e-8
        bend = bend - RATE * min(1, 2 * (1 - step / arguments.steps)) * corrected / scale
    np.savez(arguments.out, bend=bend)


if __name__ == "__main__":
    main()
