"""Fits kernel ridge regression with Gaussian features to all teachers, and writes the coefficients in the eigenbasis.

With Phi (samples x modes) of independent standard normal entries and K = Phi Lambda Phi' + ridge, the fit of the labels
y is the function with the coefficients

    w = Lambda Phi' K^-1 y,   y = Phi v + e.

No ridge is put in beyond that of the modes that are left out. Several independent data sets are fitted where they are
small: as many as together have `total` samples, at least one.
"""

import argparse
import json

import numpy as np

import experiment
import spectrum


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--total", type=int, required=True)
    parser.add_argument("--modes", type=int, required=True)
    parser.add_argument("--capacity", type=float, required=True, help="alpha, of the eigenvalues")
    parser.add_argument("--exponents", type=json.loads, required=True, help="s, of the teachers")
    parser.add_argument("--noise", type=float, required=True, help="standard deviation of the label noise")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--universe", required=True)
    parser.add_argument("--out", required=True, help="the .npz to write: for each teacher (data sets, modes)")
    arguments = parser.parse_args()

    eigenvalues, ridge = spectrum.power_law(arguments.capacity, arguments.modes)
    fits = {name: [] for name in spectrum.TEACHERS}
    for repeat in range(max(1, arguments.total // arguments.samples)):
        name = arguments.universe, "kernel-ridge", "fit", arguments.samples, arguments.seed, repeat
        generator = experiment.stream(*name)
        features = generator.standard_normal((arguments.samples, arguments.modes))
        errors = generator.standard_normal(arguments.samples)
        labels = []
        for teacher in spectrum.TEACHERS:
            v, variance = spectrum.teacher(teacher, arguments.exponents, arguments.noise, arguments.modes)
            labels.append(features @ v + np.sqrt(variance) * errors)
        kernel = (features * eigenvalues) @ features.T
        kernel.flat[:: arguments.samples + 1] += ridge
        coefficients = eigenvalues * (features.T @ np.linalg.solve(kernel, np.transpose(labels))).T
        for teacher, row in zip(spectrum.TEACHERS, coefficients):
            fits[teacher].append(row.astype(np.float32))
    np.savez(arguments.out, **fits)


if __name__ == "__main__":
    main()
