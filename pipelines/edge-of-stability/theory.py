"""Predicts the sharpness at which a rule of descent loses its stability. No data is used.

On a quadratic with curvature h along an eigenvector, each rule is a linear recursion for the coordinate x along it:

    plain     x_{t+1} = (1 - eta h) x_t
    heavy     x_{t+1} = (1 + beta - eta h) x_t - beta x_{t-1}
    nesterov  x_{t+1} = (1 - eta h) ((1 + beta) x_t - beta x_{t-1})

It grows when a root of the characteristic polynomial leaves the unit circle, which for all three happens at -1, for h
above

    plain     2 / eta,
    heavy     (2 + 2 beta) / eta,
    nesterov  (2 + 2 beta) / (eta (1 + 2 beta)).

Jeremy Cohen, Simran Kaur, Yuanzhi Li, J. Zico Kolter and Ameet Talwalkar, "Gradient descent on neural networks
typically occurs at the edge of stability", ICLR 2021 (with the momentum rules in its appendix): the largest eigenvalue
of a network's Hessian rises during training up to that curvature and then stays there, rather than the run diverging as
it would on the quadratic. Alex Damian, Eshaan Nichani and Jason D. Lee, "Self-stabilization: the implicit bias of
gradient descent at the edge of stability", ICLR 2023, say why: oscillation along the eigenvector lowers the sharpness.

The formula is checked here against the spectral radius of the recursion, by bisection.
"""

import argparse

import experiment
import numpy as np


def polynomial(rule, eta, beta, curvature):
    """Coefficients of the characteristic polynomial, the leading one first."""
    h = eta * curvature
    if rule == "plain":
        return [1, h - 1]
    if rule == "heavy":
        return [1, h - 1 - beta, beta]
    return [1, (h - 1) * (1 + beta), (1 - h) * beta]


def threshold(rule, eta, beta):
    if rule == "plain":
        return 2 / eta
    return (2 + 2 * beta) / eta / (1 if rule == "heavy" else 1 + 2 * beta)


def bisected(rule, eta, beta):
    """The curvature above which the recursion's spectral radius exceeds 1."""
    low, high = 1e-6 / eta, 10 / eta
    for _ in range(60):
        middle = (low + high) / 2
        if np.abs(np.roots(polynomial(rule, eta, beta, middle))).max() > 1 + 1e-12:
            high = middle
        else:
            low = middle
    return low


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rule", choices=["plain", "heavy", "nesterov"], default="plain")
    parser.add_argument("--eta", type=float, required=True)
    parser.add_argument("--beta", type=float, default=0.0)
    parser.add_argument("--out", required=True, help="the .json to write: threshold, bisected")
    arguments = parser.parse_args()

    rule = arguments.rule, arguments.eta, arguments.beta
    formula, found = threshold(*rule), bisected(*rule)
    if abs(formula - found) > 1e-8 * formula:
        parser.error(f"the formula gives {formula}, the recursion {found}")
    experiment.write_json(arguments.out, {"threshold": formula, "bisected": found})


if __name__ == "__main__":
    main()
