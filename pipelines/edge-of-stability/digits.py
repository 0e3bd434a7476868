"""Writes the handwritten digits that come with scikit-learn (1797 pictures of 8 x 8 pixels) as arrays."""

import argparse

import numpy as np
from sklearn.datasets import load_digits


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="the .npz to write: pixels (1797, 64) and digits (1797,)")
    arguments = parser.parse_args()

    digits = load_digits()
    np.savez(arguments.out, pixels=digits.data, digits=digits.target)


if __name__ == "__main__":
    main()
