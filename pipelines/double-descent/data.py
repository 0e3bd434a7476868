"""Draws one data set: Gaussian inputs, a linear teacher, Gaussian label noise.

    x_i ~ N(0, I_d),   y_i = <beta, x_i> + noise * e_i,   e_i ~ N(0, 1),   i = 1 ... samples,

with |beta| = 1, so that the null predictor f = 0 has the test error 1. Every random number comes from the seed and the
name of what is drawn: the same arguments give the same bytes.
"""

import argparse

import numpy as np

from experiment import stream


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--noise", type=float, required=True, help="standard deviation of the label noise")
    parser.add_argument("--universe", type=int, required=True, help="all random numbers are others in another one")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .npz to write: inputs, labels, teacher")
    arguments = parser.parse_args()

    def draw(what):
        return stream(arguments.universe, "double-descent", what, arguments.seed)

    teacher = draw("teacher").standard_normal(arguments.dimension)
    teacher /= np.linalg.norm(teacher)
    inputs = draw("inputs").standard_normal((arguments.samples, arguments.dimension))
    errors = draw("label noise").standard_normal(arguments.samples)
    np.savez(arguments.out, inputs=inputs, labels=inputs @ teacher + arguments.noise * errors, teacher=teacher)


if __name__ == "__main__":
    main()
