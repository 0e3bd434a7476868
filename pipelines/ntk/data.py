"""Draws the training set and the test inputs.

Inputs are uniform on the sphere of radius sqrt(d), and the labels are an odd function, which both activations learn:

    y(x) ~ z1 + (z2^3 - 3 z2) / (2 sqrt(6)),   z_i = <beta_i, x>,   beta_1, beta_2 random unit vectors,

scaled so that the training labels have the root mean square `amplitude`.
"""

import argparse

import numpy as np

import experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--tests", type=int, required=True)
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--amplitude", type=float, required=True)
    parser.add_argument("--universe", required=True)
    parser.add_argument("--out", required=True, help="the .npz to write: inputs (samples + tests, d), labels (samples)")
    arguments = parser.parse_args()

    shape = arguments.samples + arguments.tests, arguments.dimension
    inputs = experiment.stream(arguments.universe, "ntk", "inputs").standard_normal(shape)
    inputs *= np.sqrt(arguments.dimension) / np.linalg.norm(inputs, axis=1, keepdims=True)
    teacher = experiment.stream(arguments.universe, "ntk", "teacher").standard_normal((2, arguments.dimension))
    teacher /= np.linalg.norm(teacher, axis=1, keepdims=True)
    z1, z2 = teacher @ inputs[: arguments.samples].T
    labels = z1 + (z2**3 - 3 * z2) / (2 * np.sqrt(6))
    labels *= arguments.amplitude / np.sqrt(np.mean(labels**2))
    np.savez(arguments.out, inputs=inputs, labels=labels)


if __name__ == "__main__":
    main()
