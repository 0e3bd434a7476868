"""Predicts the largest stable learning rate from the tangent kernel of the infinitely wide network. Nothing is trained.

While a network is close to its linearisation, full-batch gradient descent on the mean of (f - y)^2 / 2 over m samples
takes the residuals from r to (I - eta T / m) r, T being the tangent kernel: stable if and only if

    eta < 2 m / (largest eigenvalue of T).

With K0 = x'x / d and the arc-cosine kernels (Cho & Saul 2009) for unit variances, c = cosine of the angle,

    k1(c) = (sqrt(1 - c^2) + (pi - acos c) c) / pi,     k0(c) = (pi - acos c) / (2 pi)  =  E relu'(u) relu'(v),

the features' products per unit are S1 = k1(K0) and S2 = k1(S1), the slopes' D1 = k0(K0), D2 = k0(S1). Summing the
squared gradients layer by layer (readout, second, first) for the parameterisations of network.py, for large n,

    sp          T = n (S2 + D2 S1) + 2 d D1 D2 K0,
    ntp, mup    T = S2 + 2 D2 S1 + 4 D1 D2 K0.

In sp the eigenvalue grows as n, so the largest stable rate falls as 1/n; in the others neither depends on n. The
tangent kernel moves by order 1 as mup trains; its prediction is for the beginning only.
"""

import argparse

import numpy as np

import experiment
import network


def arc_cosine(cosine):
    """k1 and k0 of a matrix of cosines."""
    cosine = np.clip(cosine, -1, 1)
    angle = np.arccos(cosine)
    return (np.sqrt(1 - cosine**2) + (np.pi - angle) * cosine) / np.pi, (np.pi - angle) / (2 * np.pi)


def tangent_kernel(parameterisation, inputs, width):
    """T for all pairs of inputs with |x|^2 = d."""
    dimension = inputs.shape[1]
    base = inputs @ inputs.T / dimension
    first, first_slopes = arc_cosine(base)
    second, second_slopes = arc_cosine(first)
    if parameterisation == "sp":
        return width * (second + second_slopes * first) + 2 * dimension * first_slopes * second_slopes * base
    return second + 2 * second_slopes * first + 4 * first_slopes * second_slopes * base


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--widths", type=int, nargs=2, required=True, help="predicts from this width to this")
    parser.add_argument("--out", required=True, help="the .json to write: widths, lists of rates by parameterisation")
    arguments = parser.parse_args()

    inputs, _ = network.data(arguments.data)
    low, high = arguments.widths
    widths = list(range(low, high + 1))
    predicted = {}
    for name in network.PARAMETERISATIONS:
        kernels = (tangent_kernel(name, inputs, width) for width in widths)
        predicted[name] = [2 * len(inputs) / np.linalg.eigvalsh(kernel)[-1] for kernel in kernels]
    experiment.write_json(arguments.out, {"width": widths, "rate": predicted})


if __name__ == "__main__":
    main()
