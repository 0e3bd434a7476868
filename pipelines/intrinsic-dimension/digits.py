"""Writes the 1797 images of handwritten digits that come with scikit-learn (8 x 8 pixels, 0 ... 16), one a row."""

import argparse

import numpy as np
from sklearn.datasets import load_digits


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="the .npy to write")
    np.save(parser.parse_args().out, load_digits().data.astype(np.float32))


if __name__ == "__main__":
    main()
