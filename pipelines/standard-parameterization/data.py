"""Draws the training set: inputs uniform on the sphere |x|^2 = d, labels independent of them, y ~ N(1, 1).

Nothing is to be generalised here: stability is a matter of the kernel of the inputs. Labels without structure excite
all of its directions; their mean of 1 excites the largest, which for ReLU is close to the constant function.
"""

import argparse

import numpy as np

import experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .npz to write: inputs, labels")
    arguments = parser.parse_args()

    shape = (arguments.samples, arguments.dimension)
    inputs = experiment.stream(arguments.universe, "standard-parameterization", "inputs").standard_normal(shape)
    inputs *= np.sqrt(arguments.dimension) / np.linalg.norm(inputs, axis=1, keepdims=True)
    stream = experiment.stream(arguments.universe, "standard-parameterization", "labels")
    labels = 1 + stream.standard_normal((arguments.samples, 1))
    np.savez(arguments.out, inputs=inputs, labels=labels)


if __name__ == "__main__":
    main()
