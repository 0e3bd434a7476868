"""Measures by which factor a gradient grows from layer to layer in a deep network at initialisation.

    h_l = phi(W_l h_(l-1)),   W_l entries ~ N(0, gain / n),   l = 1 ... depth,   width n,   phi = relu or tanh.

A random gradient at the last layer is sent back through the chain,

    g_(l-1) = W_l' (phi'(W_l h_(l-1)) * g_l),

and the growth is (|g_l|^2 / |g_L|^2)^(1/(L-l)) over the layers after the first `settle`, in which the length of the
features finds its fixed point; geometric mean over `networks` fresh networks.
"""

import argparse

import numpy as np

import experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--activation", choices=["relu", "tanh"], required=True)
    parser.add_argument("--gain", type=float, required=True, help="sigma_w^2")
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--depth", type=int, required=True)
    parser.add_argument("--settle", type=int, required=True)
    parser.add_argument("--networks", type=int, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--out", required=True, help="the .json to write: growth, and norms (ln |g|^2 by layer)")
    arguments = parser.parse_args()

    n, depth = arguments.width, arguments.depth
    logarithms = np.zeros(depth - arguments.settle + 1)
    for number in range(arguments.networks):
        draw = experiment.stream(
            arguments.universe, "standard-parameterization", "gradients", arguments.seed, number
        ).standard_normal
        features, gradient = draw(n), draw(n)
        weights, slopes = [], []
        for _ in range(depth):
            weights.append(draw((n, n)) * np.sqrt(arguments.gain / n))
            before = weights[-1] @ features
            features = np.maximum(before, 0) if arguments.activation == "relu" else np.tanh(before)
            slopes.append((before > 0).astype(float) if arguments.activation == "relu" else 1 - features**2)
        norms = [np.log(gradient @ gradient)]
        for weight, slope in zip(weights[: arguments.settle - 1 : -1], slopes[: arguments.settle - 1 : -1]):
            gradient = weight.T @ (slope * gradient)
            norms.append(np.log(gradient @ gradient))
        logarithms += (np.array(norms) - norms[0]) / arguments.networks
    experiment.write_json(
        arguments.out,
        {"growth": np.exp(logarithms[-1] / (len(logarithms) - 1)), "norms": logarithms},
    )


if __name__ == "__main__":
    main()
