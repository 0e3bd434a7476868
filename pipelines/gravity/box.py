"""Draws points that are uniform in the unit cube."""

import argparse

import numpy as np

import experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, required=True)
    parser.add_argument("--universe", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .npy to write, a point in each row")
    arguments = parser.parse_args()

    stream = experiment.stream(arguments.universe, "gravity", "box", arguments.seed)
    np.save(arguments.out, stream.uniform(size=(arguments.points, 3)))


if __name__ == "__main__":
    main()
