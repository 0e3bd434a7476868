"""Predicts orders, drift and the leapfrog's oscillation of energy. No simulation is used.

A method of order p has an error ~ h^p, so the exponent of the error against steps is -p. What is symplectic conserves a
modified energy for times exponential in 1/h: its error of the energy is bounded, exponent 0 in time. RK4 is not, and
loses a little in every turn: exponent 1. (Hairer, Lubich & Wanner, Geometric Numerical Integration.)

The leapfrog (kick, drift, kick) conserves, up to h^4,

    H + h^2 H_2,    H_2 = (v . U'' v) / 12 - |U'|^2 / 24,    U = -1/r:
    v . U'' v = (v^2 - 3 v_r^2) / r^3,   |U'|^2 = 1 / r^4,

so the energy H goes up and down by h^2 (max H_2 - min H_2) along the orbit. H_2 ~ (1-e)^-4 at the pericentre: the
theory needs a step that is short compared with the passage through it, h (1-e)^(-3/2) << 1.
"""

import argparse

import numpy as np

import experiment
from integrators import ORDER


def oscillation(eccentricity, steps):
    """max H - min H of a leapfrog on an ellipse of semi-axis 1, to the order h^2."""
    e = np.linspace(0, 2 * np.pi, 40001)
    r = 1 - eccentricity * np.cos(e)
    radial = eccentricity * np.sin(e) / r
    modified = (2 / r - 1 - 3 * radial**2) / r**3 / 12 - 1 / r**4 / 24
    return (2 * np.pi / steps) ** 2 * np.ptp(modified)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", choices=ORDER)
    parser.add_argument("--eccentricity", type=float)
    parser.add_argument("--steps", type=int, help="in a turn")
    parser.add_argument("--out", required=True, help="the .json to write: order, drift for a method; else range")
    arguments = parser.parse_args()

    if arguments.method:
        drift = {"leapfrog": 0, "yoshida": 0, "rk4": 1}.get(arguments.method)
        experiment.write_json(arguments.out, {"order": -ORDER[arguments.method], "drift": drift})
    else:
        experiment.write_json(arguments.out, {"range": oscillation(arguments.eccentricity, arguments.steps)})


if __name__ == "__main__":
    main()
