"""Estimates the dimension of random subsets of the digits, or of a Gaussian with the digits' mean and covariance.

The Gaussian is what the digits would be if they filled the linear space that they span: the same principal components
with the same variances, and no other structure. Both are drawn anew for each number of images and each seed.
"""

import argparse

import numpy as np

import experiment
from estimate import estimates


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--digits", required=True, help="the .npy that digits.py wrote")
    parser.add_argument("--source", choices=["digits", "linear"], required=True)
    parser.add_argument("--images", type=int, required=True, help="how many of them")
    parser.add_argument("--neighbours", type=int, required=True, help="k")
    parser.add_argument("--universe", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .json to write")
    arguments = parser.parse_args()

    digits = np.load(arguments.digits).astype(np.float64)
    stream = experiment.stream(
        arguments.universe, "intrinsic-dimension", arguments.source, arguments.images, arguments.seed
    )
    if arguments.source == "digits":
        points = digits[stream.permutation(len(digits))[: arguments.images]]
    else:
        centred = digits - digits.mean(axis=0)
        # Rows of Gaussian weights on the images have the images' covariance, whatever factor of it one would choose.
        weights = stream.standard_normal((arguments.images, len(digits))) / np.sqrt(len(digits) - 1)
        points = weights @ centred
    experiment.write_json(arguments.out, estimates(points, arguments.neighbours))


if __name__ == "__main__":
    main()
