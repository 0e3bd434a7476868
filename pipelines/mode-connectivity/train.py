"""Trains the two networks of a pair on one task, from independent initial weights, by full-batch heavy ball.

Incoming weights start as N(0, 0.4^2), outgoing ones at 3 or -3, at random; but the first unit of the first network
starts at 3 and that of the second at -3. Outgoing weights that are large beside the incoming ones keep their sign
during training, so that the two networks of width one end on two sides of a = 0. The step size is in mean-field units:
eta m times the gradient.
"""

import argparse

import experiment
import numpy as np
from network import gradient

INCOMING, OUTGOING = 0.4, 3.0


def initial(random, width, dimension, sign):
    units = np.empty((width, dimension + 1))
    units[:, :-1] = INCOMING * random.standard_normal((width, dimension))
    units[:, -1] = OUTGOING * random.choice([-1.0, 1.0], width)
    units[0, -1] = OUTGOING * sign
    return units


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--eta", type=float, required=True)
    parser.add_argument("--beta", type=float, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--task", required=True, help="the .npz that task.py wrote")
    parser.add_argument("--out", required=True, help="the .npz to write: first and last, the two networks")
    arguments = parser.parse_args()

    with np.load(arguments.task) as task:
        inputs, labels = task["inputs"], task["labels"]
    ends = {}
    for name, sign in (("first", 1), ("last", -1)):
        random = experiment.stream(arguments.universe, "mode-connectivity", name, arguments.seed, arguments.width)
        units = initial(random, arguments.width, inputs.shape[1], sign)
        velocity = np.zeros_like(units)
        for _ in range(arguments.steps):
            velocity = arguments.beta * velocity - arguments.eta * gradient(units, inputs, labels)[1]
            units = units + velocity
        ends[name] = units
    np.savez(arguments.out, **ends)


if __name__ == "__main__":
    main()
