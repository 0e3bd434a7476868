"""Fits Laplace-kernel ridge regression to random subsets of the digits, and measures its error on all of them.

The error is the mean over the whole population, training points among it, as theory has it. Subsets are drawn without
repetition; several are fitted where they are small: as many as together have `total` points, at least one. They stay
below a seventh of the population: larger ones are not like independent draws, and the errors come out larger.
"""

import argparse
import json

import numpy as np

import experiment

TASKS = ["parity", "half", "three"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ridge", type=float, required=True)
    parser.add_argument("--sizes", type=json.loads, required=True, help="numbers of samples")
    parser.add_argument("--total", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--universe", required=True)
    parser.add_argument("--population", required=True, help="the .npz that digits.py wrote")
    parser.add_argument("--out", required=True, help="the .json to write: cells, [{samples, task, error}]")
    arguments = parser.parse_args()

    with np.load(arguments.population) as data:
        images, length = data["images"], data["length"]
        labels = np.column_stack([data[task] for task in TASKS])
    squares = np.sum(images**2, axis=1)
    cells = []
    for samples in arguments.sizes:
        errors = []
        for repeat in range(max(1, arguments.total // samples)):
            name = arguments.universe, "kernel-ridge", "digits", samples, arguments.seed, repeat
            chosen = experiment.stream(*name).permutation(len(images))[:samples]
            distances = np.maximum(squares[:, None] + squares[chosen] - 2 * images @ images[chosen].T, 0)
            distances[chosen, np.arange(samples)] = 0
            kernel = np.exp(-np.sqrt(distances) / length)
            matrix = kernel[chosen] + arguments.ridge * np.eye(samples)
            errors.append(np.mean((kernel @ np.linalg.solve(matrix, labels[chosen]) - labels) ** 2, axis=0))
        for task, error in zip(TASKS, np.mean(errors, axis=0)):
            cells.append({"samples": samples, "task": task, "error": error})
    experiment.write_json(arguments.out, {"cells": cells})


if __name__ == "__main__":
    main()
