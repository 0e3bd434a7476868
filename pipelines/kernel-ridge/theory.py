"""Predicts the learning curve of one teacher by the eigenframework, and its exponent.

For lambda_i = i^-alpha, kappa falls as n^-alpha. A teacher with v_i^2 = i^-(1 + s) then leaves

    sum_i (1 - L_i)^2 v_i^2 ~ kappa^2 sum_(i < n) i^(2 alpha - 1 - s) + sum_(i > n) i^(-1 - s) ~ n^-min(s, 2 alpha):

the modes that are not learnt, or, for smooth teachers, the shrinkage of those that are (saturation). In the terms of
capacity and source conditions, s = 2 alpha r, saturated from r = 1 on (Cui et al. 2021). With label noise the curve
ends at alpha times the noise's variance, exponent 0 (noise.py).
"""

import argparse
import json

import numpy as np

import experiment
import spectrum


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--teacher", choices=spectrum.TEACHERS, required=True)
    parser.add_argument("--sizes", type=json.loads, required=True, help="numbers of samples")
    parser.add_argument("--modes", type=int, required=True)
    parser.add_argument("--capacity", type=float, required=True)
    parser.add_argument("--exponents", type=json.loads, required=True)
    parser.add_argument("--noise", type=float, required=True)
    parser.add_argument("--out", required=True, help="the .json to write: curve, [{samples, error}], and exponent")
    arguments = parser.parse_args()

    eigenvalues, ridge = spectrum.power_law(arguments.capacity, arguments.modes)
    v, variance = spectrum.teacher(arguments.teacher, arguments.exponents, arguments.noise, arguments.modes)
    curve = []
    for samples in arguments.sizes:
        learnability, overfitting = spectrum.eigenframework(eigenvalues, samples, ridge)
        error = overfitting * (np.sum((1 - learnability) ** 2 * v**2) + variance)
        curve.append({"samples": samples, "error": error})
    noiseless = {name: -min(s, 2 * arguments.capacity) for name, s in arguments.exponents.items()}
    experiment.write_json(arguments.out, {"curve": curve, "exponent": noiseless.get(arguments.teacher, 0)})


if __name__ == "__main__":
    main()
