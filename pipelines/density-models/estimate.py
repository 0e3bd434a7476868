"""Estimates a parameter by maximum likelihood and by score matching, on many data sets; measures the variances.

Data sets of n samples with the true parameter h = 0 (families.py) are drawn, and both objectives are minimised on each
by Newton's method from h = 0, all data sets of a block at once: x is (data sets, n), h is (data sets, 1). Written are
n E(h^2) for both, and their ratio. So that the variances are near their limit for large n, n is such that about
`barrier` samples lie nearer than 1/m to the middle between two modes at -m and m, which are all that score matching
learns from. Maximum likelihood needs no such number and has the first `samples` of each data set. (Koehler, Heckett, Risteski 2023, "Statistical efficiency of score matching: the view from isoperimetry").
"""

import argparse
import math

import numpy as np

import experiment
import families

BLOCK, STEPS, FURTHEST, NEAR = 4_000, 12, 0.5, 1e-6


def minimise(derivatives, x, separation, which):
    """The minimiser for each data set, (data sets,)."""
    h = np.zeros((len(x), 1))
    for _ in range(STEPS):
        first, second = (found.mean(axis=1, keepdims=True) for found in derivatives(x, h, separation)[which])
        step = np.where(second > 0, first / np.where(second > 0, second, 1), FURTHEST * np.sign(first))
        h -= np.clip(step, -FURTHEST, FURTHEST)
        if np.abs(step).max() < NEAR:
            break
    return h[:, 0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--family", choices=sorted(families.FAMILIES), required=True)
    parser.add_argument("--separation", type=float, default=0, help="of the modes of a mixture")
    parser.add_argument("--replicates", type=int, required=True, help="data sets")
    parser.add_argument("--barrier", type=float, default=0, help="samples near the barrier, about")
    parser.add_argument("--samples", type=int, required=True, help="of a data set, at least")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--out", required=True, help="the .json to write: samples, likelihood, matching, ratio")
    arguments = parser.parse_args()

    family, separation = arguments.family, arguments.separation
    fewest = samples = arguments.samples
    if family == "mixture":
        middle = float(families.density(family, np.zeros(1), separation)[0])
        samples = max(samples, math.ceil(arguments.barrier * separation / 4 / middle))
    stream = experiment.stream(
        arguments.universe, "density-models", "estimate", family, arguments.separation, arguments.seed
    )
    block = max(1, BLOCK // samples)
    squares = {"likelihood": 0.0, "matching": 0.0}
    for first in range(0, arguments.replicates, block):
        shape = (min(block, arguments.replicates - first), samples)
        x = families.draw(family, stream, shape, separation)
        for which, (name, part) in enumerate((("likelihood", x[:, :fewest]), ("matching", x))):
            found = minimise(families.FAMILIES[family], part, separation, which)
            squares[name] += part.shape[1] * float((found**2).sum())
    found = {name: square / arguments.replicates for name, square in squares.items()}
    experiment.write_json(
        arguments.out, {"samples": samples, **found, "ratio": found["matching"] / found["likelihood"]}
    )


if __name__ == "__main__":
    main()
