"""Trains one network by gradient descent, full-batch or in small batches, with or without momentum; keeps checkpoints.

With step size eta and momentum beta, from v = 0:

    plain     w <- w - eta g(w)
    heavy     v <- beta v - eta g(w),            w <- w + v     (Polyak)
    nesterov  v <- beta v - eta g(w + beta v),   w <- w + v

g is the gradient of the loss over all samples, or over `batch` of them, drawn anew without replacement at every step.
A run whose loss is no longer finite or above 1000 ends there: `diverged` says so.
"""

import argparse

import experiment
import numpy as np
from network import Network


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--data", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--loss", required=True, help="squares or entropy")
    parser.add_argument("--hidden", type=int, required=True, help="units in each of the two hidden layers")
    parser.add_argument("--gain", type=float, required=True, help="initial weights are N(0, gain^2 / fan-in)")
    parser.add_argument("--rule", default="plain", help="plain, heavy or nesterov")
    parser.add_argument("--beta", type=float, default=0.0)
    parser.add_argument("--eta", type=float, required=True)
    parser.add_argument("--batch", type=int, default=0, help="samples a step; 0 for all")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--every", type=int, required=True, help="steps between checkpoints")
    parser.add_argument("--out", required=True, help="the .npz to write: losses, checkpoints (rows), diverged")
    arguments = parser.parse_args()

    with np.load(arguments.data) as data:
        inputs, labels = data["inputs"], data["labels"]
    network = Network([inputs.shape[1], arguments.hidden, arguments.hidden, labels.shape[1]], arguments.loss)
    name = (arguments.universe, "edge-of-stability")
    weights = network.initial(experiment.stream(*name, "weights", arguments.seed), arguments.gain)
    random = experiment.stream(*name, "batches", arguments.seed, arguments.batch)

    velocity = np.zeros_like(weights)
    ahead = arguments.beta if arguments.rule == "nesterov" else 0.0
    losses, checkpoints, diverged = [], [], False
    for step in range(arguments.steps + 1):
        if step % arguments.every == 0:
            checkpoints.append(weights.astype(np.float32))
        at = weights + ahead * velocity if ahead else weights
        if arguments.batch:
            rows = random.choice(len(inputs), arguments.batch, replace=False)
            loss, gradient = network.gradient(at, inputs[rows], labels[rows])
        else:
            loss, gradient = network.gradient(at, inputs, labels)
        losses.append(loss)
        if not loss < 1000:
            diverged = True
            break
        velocity = arguments.beta * velocity - arguments.eta * gradient
        weights = weights + velocity
    np.savez(arguments.out, losses=np.array(losses), checkpoints=np.array(checkpoints), diverged=diverged)


if __name__ == "__main__":
    main()
