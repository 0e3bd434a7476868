"""Writes scikit-learn's handwritten digits: 1797 images of 8 x 8 pixels in [0, 1], and their classes 0 ... 9."""

import argparse

import numpy as np
from sklearn.datasets import load_digits


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="the .npz to write: images (samples, 64), classes")
    arguments = parser.parse_args()
    digits = load_digits()
    np.savez(arguments.out, images=digits.data / 16, classes=digits.target)


if __name__ == "__main__":
    main()
