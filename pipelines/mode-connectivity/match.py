"""Matches the units of the two networks of each pair of a seed, for all widths at once.

For networks A and B it finds the permutation of B's units for which the sum of squared distances between A's units and
B's, incoming and outgoing weights together, is least: an assignment problem, solved exactly. No unit changes its sign.
"""

import argparse
import os

import experiment
import numpy as np
from scipy.optimize import linear_sum_assignment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ends", required=True, help="a folder of what train.py wrote, with its index.csv")
    parser.add_argument("--out", required=True, help="the .npz to write: by width, the unit of B for each of A")
    arguments = parser.parse_args()

    found = {}
    for row in experiment.read_table(os.path.join(arguments.ends, "index.csv")):
        with np.load(os.path.join(arguments.ends, row["path"])) as ends:
            distances = ((ends["first"][:, None, :] - ends["last"][None, :, :]) ** 2).sum(2)
        found[str(row["width"])] = linear_sum_assignment(distances)[1]
    np.savez(arguments.out, **found)


if __name__ == "__main__":
    main()
