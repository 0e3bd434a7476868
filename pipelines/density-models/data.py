"""Draws the points of a Gaussian mixture that a diffusion model learns from: (N, 2)."""

import argparse

import numpy as np

import experiment
from mixture import Mixture


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--mixture", required=True, help="JSON: weights, means, covariances")
    parser.add_argument("--points", type=int, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--out", required=True, help="the .npz to write: points")
    arguments = parser.parse_args()
    stream = experiment.stream(arguments.universe, "density-models", "points", arguments.seed)
    np.savez(arguments.out, points=Mixture(arguments.mixture).draw(stream, arguments.points))


if __name__ == "__main__":
    main()
