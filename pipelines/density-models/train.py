"""Trains the denoiser of a diffusion model on noisy copies of points.

Each step of Adam draws `batch` points x, noises s with ln s uniform between ln 0.03 and ln 30, and e ~ N(0, I), and
lowers

    mean over the batch of |D(x + s e, s) - x|^2 / c_out(s)^2

(Vincent 2011, "A connection between score matching and denoising autoencoders"; Karras et al. 2022, see network.py).
The rate falls to zero on a cosine. Points that are few are seen again and again.
"""

import argparse
import math

import numpy as np

import experiment
import network

BETA_1, BETA_2, TINY = 0.9, 0.99, 1e-8
LEAST, MOST = 0.03, 30.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--data", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--points", type=int, required=True, help="how many of its points are learned from")
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--out", required=True, help="the .npz to write: layer0 ... layer5, mean, variance")
    arguments = parser.parse_args()

    with np.load(arguments.data) as arrays:
        points = arrays["points"][: arguments.points]
    mean = points.mean(axis=0)
    variance = float(((points - mean) ** 2).mean())
    name = ("density-models", "train", len(points), arguments.seed)
    layers = network.start(experiment.stream(arguments.universe, *name, "initialisation"), arguments.width)
    draw = experiment.stream(arguments.universe, *name, "batches")
    parameters = np.concatenate([layer.ravel() for layer in layers])  # of which the layers become views
    ends = np.cumsum([layer.size for layer in layers])[:-1]
    layers = [part.reshape(layer.shape) for part, layer in zip(np.split(parameters, ends), layers)]
    mean_slope, mean_square = np.zeros_like(parameters), np.zeros_like(parameters)
    for step in range(arguments.steps):
        clean = points[draw.integers(len(points), size=arguments.batch)] - mean
        noise = np.exp(draw.uniform(np.log(LEAST), np.log(MOST), size=(arguments.batch, 1)))
        noisy = clean + noise * draw.standard_normal(clean.shape)
        skip, out, _ = network.scales(noise, variance)
        wanted = ((clean - skip * noisy) / out).astype(np.float32)
        found = network.slopes(layers, network.inputs(noisy, noise, variance), wanted)
        rate = arguments.rate * (1 + math.cos(math.pi * step / arguments.steps)) / 2
        bias = math.sqrt(1 - BETA_2 ** (step + 1)) / (1 - BETA_1 ** (step + 1))
        slope = np.concatenate([layer.ravel() for layer in found])
        mean_slope += (1 - BETA_1) * (slope - mean_slope)
        mean_square += (1 - BETA_2) * (slope * slope - mean_square)
        parameters -= rate * bias * mean_slope / (np.sqrt(mean_square) + TINY)
    np.savez(
        arguments.out, mean=mean, variance=variance, **{f"layer{number}": layer for number, layer in enumerate(layers)}
    )


if __name__ == "__main__":
    main()
