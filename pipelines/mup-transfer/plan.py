"""Reads the coarse sweep and writes the learning rates of the fine one.

For each parameterisation and width the coarse sweep has a few rates, four times apart, and a few seeds. valley.py
finds where each of these cells has its lowest loss. The fine grid is one list for all cells: it is evenly spaced in
the logarithm, begins `margin` octaves below the lowest of the bottoms and ends `margin` octaves above the highest.
Rates are rounded to three digits, so that the list, and with it what the sweep has to train, does not hang on the
last bits.
"""

import argparse
import math

import experiment
import valley


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--coarse", required=True, help="the table of the coarse sweep")
    parser.add_argument("--ceiling", type=float, required=True, help="losses above this are worth no more than it")
    parser.add_argument("--margin", type=float, required=True, help="octaves that the grid reaches beyond the bottoms")
    parser.add_argument("--spacing", type=float, required=True, help="octaves between two rates, at most")
    parser.add_argument("--out", required=True, help="the .json to write: rates and bottoms")
    arguments = parser.parse_args()

    rows = experiment.read_table(arguments.coarse)
    bottoms = []
    for (parameterisation, width), cell in experiment.groups(rows, "parameterisation", "width").items():
        curve = {
            rate: sum(math.log(min(row["loss"], arguments.ceiling)) for row in same) / len(same)
            for rate, same in sorted(experiment.groups(cell, "coarse").items())
        }
        octaves = [math.log2(rate) for rate in curve]
        bottom = valley.bottom(octaves, list(curve.values()), half=1.5)
        bottoms.append({"parameterisation": parameterisation, "width": width, "rate": 2**bottom})

    low = min(math.log2(bottom["rate"]) for bottom in bottoms) - arguments.margin
    high = max(math.log2(bottom["rate"]) for bottom in bottoms) + arguments.margin
    count = math.ceil((high - low) / arguments.spacing) + 1
    rates = [float(f"{2 ** (low + (high - low) * k / (count - 1)):.3g}") for k in range(count)]
    experiment.write_json(arguments.out, {"rates": rates, "bottoms": bottoms})


if __name__ == "__main__":
    main()
