"""Measures the noise at which the best denoiser of n training points collapses onto single ones.

For points x_1 ... x_n ~ N(0, I) in d dimensions the posterior mean under their empirical distribution is

    D(z) = sum_i w_i(z) x_i,      w_i(z) ~ exp(-|z - x_i|^2 / 2 s^2),

which is what a diffusion model without any bias of its own learns. A noisy training point z = x_k + s e belongs to its
origin when w_k(z) is near 1. The noise of the collapse is the s at which the mean of w_k over `noisy` points is 1/2,
found by bisection in ln s with the same k and e. (Biroli, Bonnaire, de Bortoli, Mezard 2024, "Dynamical regimes of
diffusion models".)
"""

import argparse
import json

import numpy as np

import experiment

HALVINGS, WIDE = 10, 4.0


def origin_weight(near, slope, noise, origins):
    """The mean of w_k. With |z - x_i|^2 - |s e|^2 = near + 2 s slope for all pairs (noisy, n), 0 for the origins."""
    exponents = near * (-0.5 / noise**2)
    exponents -= slope * (1 / noise)
    top = exponents.max(axis=1)
    shares = np.exp(exponents - top[:, None]).sum(axis=1)
    return float(np.mean(np.exp(exponents[np.arange(len(origins)), origins] - top) / shares))


def collapse(stream, size, dimension, noisy):
    """The noise, for one set of training points."""
    points = stream.standard_normal((size, dimension))
    origins = stream.integers(size, size=noisy)
    noise = stream.standard_normal((noisy, dimension))
    chosen = points[origins]
    near = (chosen**2).sum(axis=1)[:, None] + (points**2).sum(axis=1)[None, :] - 2 * chosen @ points.T
    slope = (noise * chosen).sum(axis=1)[:, None] - noise @ points.T
    typical = size ** (-1 / dimension)
    low, high = np.log(typical / WIDE), np.log(typical * WIDE)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if origin_weight(near, slope, np.exp(middle), origins) > 0.5:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--sizes", required=True, help="JSON: numbers of training points")
    parser.add_argument("--noisy", type=int, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--out", required=True, help="the .json to write: cells of size, noise")
    arguments = parser.parse_args()

    cells = []
    for size in json.loads(arguments.sizes):
        stream = experiment.stream(
            arguments.universe, "density-models", "collapse", arguments.dimension, size, arguments.seed
        )
        cells.append({"size": size, "noise": collapse(stream, size, arguments.dimension, arguments.noisy)})
    experiment.write_json(arguments.out, {"cells": cells})


if __name__ == "__main__":
    main()
