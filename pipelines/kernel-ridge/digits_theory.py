"""Predicts the learning curves on the digits from the spectrum of the whole population, by the eigenframework."""

import argparse
import json

import numpy as np

import experiment
import spectrum

TASKS = ["parity", "half", "three"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ridge", type=float, required=True)
    parser.add_argument("--sizes", type=json.loads, required=True)
    parser.add_argument("--spectrum", required=True, help="the .npz that digits.py wrote")
    parser.add_argument("--out", required=True, help="the .json to write: cells, [{samples, task, error}]")
    arguments = parser.parse_args()

    cells = []
    with np.load(arguments.spectrum) as data:
        for samples in arguments.sizes:
            learnability, overfitting = spectrum.eigenframework(data["eigenvalues"], samples, arguments.ridge)
            for task in TASKS:
                error = overfitting * np.sum((1 - learnability) ** 2 * data[task])
                cells.append({"samples": samples, "task": task, "error": error})
    experiment.write_json(arguments.out, {"cells": cells})


if __name__ == "__main__":
    main()
