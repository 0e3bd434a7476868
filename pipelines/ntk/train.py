"""Trains networks of one width by full-batch gradient descent, and writes their weights before and after.

The loss is sum_i (f(x_i) - f_start(x_i) - y_i)^2 / (2N). Several independent networks are trained side by side where
they are narrow: as many as together have `neurons` hidden units, at least one. Single precision.
"""

import argparse

import numpy as np

import network


def train(name, a, w, inputs, labels, width, rate, steps):
    """The weights after `steps` steps; a (copies * width), w (copies * width, d)."""
    function, _, scaling = network.NETWORKS[name]
    count, dimension = inputs.shape
    scale = 1 / np.sqrt(width) if scaling == "ntk" else 1 / width
    step = rate * (1 if scaling == "ntk" else width) * scale / count
    a, w, scale, step = a.copy(), w.copy(), np.float32(scale), np.float32(step)
    scaled = inputs / np.float32(np.sqrt(dimension))
    target = labels[:, None]
    for k in range(steps):
        phi, slope = network.activation(function, scaled @ w.T)
        f = (phi * a).reshape(count, -1, width).sum(axis=2) * scale
        if k == 0:
            target = target + f
        residual = np.repeat(f - target, width, axis=1)
        slope *= residual
        slope *= a
        phi *= residual
        a -= step * phi.sum(axis=0)
        w -= step * (slope.T @ scaled)
    return a, w


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=network.NETWORKS, required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--neurons", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="the mean-field rate is width times this")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--universe", required=True)
    parser.add_argument("--data", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--out", required=True, help="the .npz to write: a_start, w_start, a, w")
    arguments = parser.parse_args()

    with np.load(arguments.data) as data:
        labels = data["labels"].astype(np.float32)
        inputs = data["inputs"][: len(labels)].astype(np.float32)
    copies = max(1, arguments.neurons // arguments.width)
    name = arguments.universe, "ntk", "start", arguments.network, arguments.width, arguments.seed
    a, w = network.start(arguments.network, arguments.width, copies, inputs.shape[1], *name)
    trained = train(arguments.network, a, w, inputs, labels, arguments.width, arguments.rate, arguments.steps)
    np.savez(arguments.out, a_start=a, w_start=w, a=trained[0], w=trained[1])


if __name__ == "__main__":
    main()
