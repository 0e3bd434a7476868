"""Fits random-feature ridge regression to one data set and writes the trained model.

The features are ReLU units in fixed random directions, less their mean under Gaussian inputs:

    phi_j(x) = max(<w_j, x>, 0) - 1 / sqrt(2 pi),   w_j uniform on the unit sphere,   j = 1 ... width,

and only the linear readout is trained. In the normalisation of Mei & Montanari (2022), with N = width, n = samples and
d = dimension, the coefficients minimise

    (1/n) sum_i (y_i - <a, phi(x_i)>)^2 + ridge * (N/d) |a|^2.

The normal equations are solved on the smaller of the two sides (N or n).
"""

import argparse

import numpy as np

from experiment import stream


def directions(width, dimension, universe, seed):
    """Random unit vectors, one a row, in single precision: what is fitted with is exactly what is stored."""
    rows = stream(universe, "double-descent", "directions", width, seed).standard_normal((width, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--ridge", type=float, required=True)
    parser.add_argument("--universe", type=int, required=True, help="all random numbers are others in another one")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--data", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--out", required=True, help="the .npz to write: directions, coefficients, training_error")
    arguments = parser.parse_args()

    with np.load(arguments.data) as data:
        inputs, labels = data["inputs"], data["labels"]
    samples, dimension = inputs.shape
    weights = directions(arguments.width, dimension, arguments.universe, arguments.seed)
    features = np.maximum(inputs @ weights.T.astype(np.float64), 0) - 1 / np.sqrt(2 * np.pi)

    penalty = arguments.ridge * arguments.width * samples / dimension
    if arguments.width <= samples:
        gram = features.T @ features
        gram.flat[:: arguments.width + 1] += penalty
        coefficients = np.linalg.solve(gram, features.T @ labels)
    else:
        gram = features @ features.T
        gram.flat[:: samples + 1] += penalty
        coefficients = features.T @ np.linalg.solve(gram, labels)

    training_error = np.mean((labels - features @ coefficients) ** 2)
    np.savez(arguments.out, directions=weights, coefficients=coefficients, training_error=training_error)


if __name__ == "__main__":
    main()
