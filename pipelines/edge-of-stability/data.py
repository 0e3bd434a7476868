"""Draws the training set of one seed: some digits, a share of them with a label drawn at random.

The inputs are centred pixel by pixel and divided by one number, so that the mean square over all pixels is 1; the
labels are one-hot. A random label makes the set harder to fit, so that the sharpness has farther to rise.
"""

import argparse

import experiment
import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--noise", type=float, required=True, help="the share of labels that are drawn at random")
    parser.add_argument("--digits", required=True, help="the .npz that digits.py wrote")
    parser.add_argument("--out", required=True, help="the .npz to write: inputs (n, 64) and labels (n, 10)")
    arguments = parser.parse_args()

    with np.load(arguments.digits) as digits:
        pixels, classes = digits["pixels"], digits["digits"]
    name = (arguments.universe, "edge-of-stability")
    chosen = experiment.stream(*name, "samples", arguments.seed).permutation(len(pixels))[: arguments.samples]
    inputs, classes = pixels[chosen], classes[chosen]
    inputs = inputs - inputs.mean(0)
    inputs /= np.sqrt(np.mean(inputs**2))

    random = experiment.stream(*name, "labels", arguments.seed)
    wrong = random.random(arguments.samples) < arguments.noise
    classes = np.where(wrong, random.integers(0, 10, arguments.samples), classes)
    np.savez(arguments.out, inputs=inputs, labels=np.eye(10)[classes])


if __name__ == "__main__":
    main()
