"""Computes what is exactly true of the mixture by quadrature in the plane: mmse, linear error, entropy. Nothing is drawn.

    mmse(s) = tr Cov(x) + |E x|^2 - int p_s(z) |E[x | z]|^2 dz,      entropy = - int p(x) ln p(x) dx,

on a square grid of 201 points in each direction that covers seven standard deviations (the trapezoidal rule, which
converges faster than any power for such integrands). `linear` is the error of the best linear denoiser, for the score
of a Gaussian with the same covariance. `immse` is the entropy from the curve of mmse, by the rule that models are
measured with (mixture.py; Guo, Shamai, Verdu 2005; Kong et al. 2023).
"""

import argparse

import numpy as np

import experiment
import mixture

SIDE, REACH = 201, 7.0


def plane(truth, noise):
    """Grid points (SIDE^2, 2) around the mixture with noise, and the area of a cell."""
    spread = np.sqrt(np.max(np.linalg.eigvalsh(truth.covariances)) + noise**2)
    low, high = truth.means.min(axis=0) - REACH * spread, truth.means.max(axis=0) + REACH * spread
    lines = [np.linspace(low[axis], high[axis], SIDE) for axis in range(2)]
    points = np.stack([line.ravel() for line in np.meshgrid(*lines, indexing="ij")], axis=1)
    return points, (lines[0][1] - lines[0][0]) * (lines[1][1] - lines[1][0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mixture", required=True, help="JSON: weights, means, covariances")
    parser.add_argument("--noises", required=True, help="JSON: from, to, count")
    parser.add_argument("--out", required=True, help="the .json to write: curve of noise, mmse, linear; entropy, immse")
    arguments = parser.parse_args()

    truth = mixture.Mixture(arguments.mixture)
    covariance = truth.covariance()
    centre = truth.weights @ truth.means
    curve = []
    for noise in mixture.grid(arguments.noises):
        points, area = plane(truth, noise)
        density = np.exp(truth.responsibilities(points, noise)[0])
        explained = float(density @ ((truth.posterior_mean(points, noise) - centre) ** 2).sum(axis=1)) * area
        linear = np.trace(covariance - covariance @ np.linalg.inv(covariance + noise**2 * np.eye(2)) @ covariance)
        curve.append({"noise": noise, "mmse": np.trace(covariance) - explained, "linear": linear})
    points, area = plane(truth, 0.0)
    logs = truth.responsibilities(points)[0]
    experiment.write_json(
        arguments.out,
        {
            "curve": curve,
            "entropy": -float(np.exp(logs) @ logs) * area,
            "immse": mixture.entropy([row["noise"] for row in curve], [row["mmse"] for row in curve]),
            "weights": truth.weights,
        },
    )


if __name__ == "__main__":
    main()
