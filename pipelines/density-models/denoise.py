"""Measures the error of a trained denoiser at every noise, on fresh points and on those that it was trained with.

    error(s) = E |x - D(x + s e, s)|^2,

the mean over `fresh` points and noises, and over an eighth as many draws of training points. It is at least the exact mmse(s) on fresh points, with equality for the
posterior mean. From the errors on fresh points follows the entropy by I-MMSE (mixture.py; Kong, Brekelmans, Ver Steeg
2023, "Information-theoretic diffusion").
"""

import argparse

import numpy as np

import experiment
import mixture
from network import Denoiser


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--mixture", required=True, help="JSON: weights, means, covariances")
    parser.add_argument("--network", required=True, help="the .npz that train.py wrote")
    parser.add_argument("--data", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--points", type=int, required=True, help="how many of its points it was trained with")
    parser.add_argument("--noises", required=True, help="JSON: from, to, count")
    parser.add_argument("--fresh", type=int, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--out", required=True, help="the .json to write: curve of noise, mse, training; entropy")
    arguments = parser.parse_args()

    truth = mixture.Mixture(arguments.mixture)
    denoiser = Denoiser(arguments.network)
    with np.load(arguments.data) as arrays:
        points = arrays["points"][: arguments.points]
    name = ("density-models", "denoise", len(points), arguments.seed)
    curve = []
    noises = mixture.grid(arguments.noises)
    for level, noise in enumerate(noises):
        stream = experiment.stream(arguments.universe, *name, level)
        fresh = truth.draw(stream, arguments.fresh)
        seen = points[stream.integers(len(points), size=arguments.fresh // 8)]
        errors = []
        for clean in (fresh, seen):
            noisy = clean + noise * stream.standard_normal(clean.shape)
            errors.append(((clean - denoiser(noisy, noise)) ** 2).sum(axis=1).mean())
        curve.append({"noise": noise, "mse": errors[0], "training": errors[1]})
    experiment.write_json(
        arguments.out, {"curve": curve, "entropy": mixture.entropy(noises, [row["mse"] for row in curve])}
    )


if __name__ == "__main__":
    main()
