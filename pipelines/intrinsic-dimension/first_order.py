"""Predicts the relative bias of TwoNN, d/estimate - 1, to first order in the distance of neighbours. No data is used.

With V_d the volume of the unit ball, n points in the volume V:

    boundary    a plane boundary of area A cuts off the balls around points near it. Let v(t) be what is left of the
                unit ball if the plane is at the distance t < 1 from its centre. Averaging (see theory.py) over the
                distance to the plane,

                    bias = n^(-1/d) A V^(1/d - 1) Gamma(1 + 1/d) integral_0^1 (v(t)^(-1/d) - V_d^(-1/d)) dt;

    curvature   if the volume within r is V_d r^d (1 + c r^2), then bias = -c (2/d) Gamma(1 + 2/d) (n V_d / V)^(-2/d).
                On the torus of Clifford, made of circles of circumference 1, a chord is shorter than its arc:
                r^2 = sum_i sin^2(pi u_i) / pi^2 = |u|^2 - (pi^2/3) sum_i u_i^4 + ..., and so c = pi^2 d / (2 (d + 2)).
"""

import argparse
import math

import numpy as np

import experiment


def ball(dimension):
    """The volume of the unit ball."""
    return math.pi ** (dimension / 2) / math.gamma(dimension / 2 + 1)


def boundary(dimension, area, volume):
    """The bias times n^(1/d), for a boundary of the given area."""
    from scipy.special import betainc

    t = (np.arange(10000) + 0.5) / 10000
    left = ball(dimension) * (1 - betainc((dimension + 1) / 2, 0.5, 1 - t * t) / 2)
    mean = np.mean(left ** (-1 / dimension)) - ball(dimension) ** (-1 / dimension)
    return area * volume ** (1 / dimension - 1) * math.gamma(1 + 1 / dimension) * mean


def curvature(dimension):
    """The bias of the torus of unit volume times -n^(2/d)."""
    c = math.pi**2 * dimension / (2 * (dimension + 2))
    return c * 2 / dimension * math.gamma(1 + 2 / dimension) * ball(dimension) ** (-2 / dimension)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifold", choices=["cube", "torus"], required=True)
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .json to write: |bias| = factor n^exponent")
    arguments = parser.parse_args()

    d = arguments.dimension
    if arguments.manifold == "cube":
        law = {"factor": boundary(d, 2 * d, 1.0), "exponent": -1 / d}
    else:
        law = {"factor": curvature(d), "exponent": -2 / d}
    experiment.write_json(arguments.out, law)


if __name__ == "__main__":
    main()
