"""Predicts how gradients grow with depth and how the features' length fluctuates, for wide networks. No data is used.

Growth (Schoenholz, Gilmer, Ganguli & Sohl-Dickstein 2017, "Deep information propagation"): with weights of variance
gain / n the pre-activations' variance tends to the fixed point of q = gain E phi(sqrt(q) z)^2, z ~ N(0, 1), and the
square of a gradient grows from layer to layer by

    chi = gain E phi'(sqrt(q) z)^2,      for relu, at any q,   chi = gain / 2.

Fluctuation (Hanin & Nica 2020, "Products of many large random matrices and gradients in deep neural networks"): a relu
layer with gain 2 multiplies |h|^2 by (2/n) sum_i relu(z_i)^2, independently of all other layers, so that

    n/L Var ln |h_L|^2  ->  Var(2 relu(z)^2) = 4 * 3/2 - 1 = 5.

The logarithm's curvature and the layers that die add terms of order 1/n^2 to each layer: in narrow networks it is more.
"""

import argparse

import numpy as np

import experiment

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(101)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def growth(activation, gain):
    """chi at the fixed point of q."""
    if activation == "relu":
        return gain / 2
    variance = gain
    for _ in range(10000):
        variance = gain * float(WEIGHTS @ np.tanh(np.sqrt(variance) * NODES) ** 2)
    slope = 1 - np.tanh(np.sqrt(variance) * NODES) ** 2
    return gain * float(WEIGHTS @ slope**2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--activation", choices=["relu", "tanh"], required=True)
    parser.add_argument("--gain", type=float, required=True, help="sigma_w^2")
    parser.add_argument("--out", required=True, help="the .json to write: growth, fluctuation")
    arguments = parser.parse_args()
    experiment.write_json(
        arguments.out,
        {
            "growth": growth(arguments.activation, arguments.gain),
            "fluctuation": 4 * 1.5 - 1,
        },
    )


if __name__ == "__main__":
    main()
