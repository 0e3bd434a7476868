"""Draws samples from a trained diffusion model and compares them with the mixture that it learned.

The probability flow (Song, Sohl-Dickstein, Kingma, Kumar, Ermon, Poole 2021, "Score-based generative modeling through
stochastic differential equations"),

    dz/ds = (z - D(z, s)) / s,      from z ~ N(mean, (S^2 + v) I) at s = S = 20 down to s = 0,

is followed by DDIM, its Euler method in s (Song, Meng, Ermon 2021, "Denoising diffusion implicit models"), in a given
number of steps: z <- D + (s'/s)(z - D). The noises s are those of Karras et al. 2022, evenly spaced in s^(1/7) from 20
to 0.02, and 0. Only the start is random, and it is the same for every number of steps.

Written for each number of steps: the weights of the components (mean probabilities of the components given a sample),
the trace of the samples' covariance over that of the mixture, and the squared energy distance to as many true points,
2 E|x - y| - E|x - x'| - E|y - y'| (its unbiased estimate, on at most 1500 points).
"""

import argparse
import json

import numpy as np

import experiment
from mixture import Mixture
from network import Denoiser

HIGH, LOW, RHO, PAIRED = 20.0, 0.02, 7, 1500


def ddim(denoiser, points, steps):
    """Samples (N, 2) from points at the largest noise."""
    noises = np.linspace(HIGH ** (1 / RHO), LOW ** (1 / RHO), steps) ** RHO
    for noise, following in zip(noises, list(noises[1:]) + [0.0]):
        clean = denoiser(points, noise)
        points = clean + (following / noise) * (points - clean)
    return points


def distances(some, others):
    """|x - y| of all pairs."""
    square = (some**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None, :] - 2 * some @ others.T
    return np.sqrt(np.maximum(square, 0))


def energy(some, others):
    """The squared energy distance, unbiased."""
    count = len(some)
    within = sum(distances(points, points).sum() / (count * (count - 1)) for points in (some, others))
    return float(2 * distances(some, others).mean() - within)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--mixture", required=True, help="JSON: weights, means, covariances")
    parser.add_argument("--network", required=True, help="the .npz that train.py wrote")
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--steps", required=True, help="JSON: numbers of steps")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--out", required=True, help="the .json to write: by number of steps weights, trace, energy")
    parser.add_argument("--drawn", required=True, help="the .npz to write: the samples of the most steps")
    arguments = parser.parse_args()

    truth = Mixture(arguments.mixture)
    denoiser = Denoiser(arguments.network)
    stream = experiment.stream(arguments.universe, "density-models", "sample", arguments.seed)
    scale = np.sqrt(HIGH**2 + denoiser.variance)
    begin = denoiser.mean + scale * stream.standard_normal((arguments.samples, 2))
    true = truth.draw(stream, arguments.samples)
    found = {}
    counts = sorted(json.loads(arguments.steps))
    for steps in counts:
        drawn = ddim(denoiser, begin, steps)
        found[steps] = {
            "steps": steps,
            "weights": truth.responsibilities(drawn)[1].mean(axis=0),
            "trace": np.trace(np.cov(drawn.T)) / np.trace(truth.covariance()),
            "energy": energy(drawn[:PAIRED], true[:PAIRED]),
        }
    experiment.write_json(arguments.out, found)
    np.savez(arguments.drawn, drawn=drawn[:PAIRED])


if __name__ == "__main__":
    main()
