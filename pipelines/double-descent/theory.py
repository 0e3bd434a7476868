"""Predicts the test error of random-feature ridge regression for every width, from exact asymptotics. No data is used.

Song Mei and Andrea Montanari, "The generalization error of random features regression: precise asymptotics and the
double descent curve", Communications on Pure and Applied Mathematics 75 (2022) 667-766: the main theorem, with its
formula for ridge regression.

Setting: n samples x_i in d dimensions, y_i = <beta, x_i> + e_i with |beta| = F1 and Var e_i = tau^2, N features
sigma(<w_j, x>) with |w_j| = 1, coefficients that minimise (1/n) sum (y - f(x))^2 + lambda (N/d) |a|^2. As
N, n, d grow with

    psi1 = N/d,   psi2 = n/d,

the test error E (f(x) - <beta, x>)^2 converges to

    R = F1^2 B + tau^2 V.

The activation enters through mu0 = E sigma(G), mu1 = E G sigma(G), mu_star^2 = E sigma(G)^2 - mu0^2 - mu1^2 for a
standard normal G, in the two numbers zeta = mu1 / mu_star and lambda_bar = lambda / mu_star^2. For the centred ReLU:
mu0 = 0, mu1 = 1/2, mu_star^2 = 1/4 - 1/(2 pi).

The resolvent's two traces nu1, nu2 at xi = i sqrt(psi1 psi2 lambda_bar) solve

    nu1 = psi1 / (-xi - nu2 - zeta^2 nu2 / (1 - zeta^2 nu1 nu2)),
    nu2 = psi2 / (-xi - nu1 - zeta^2 nu1 / (1 - zeta^2 nu1 nu2)).

With nu1 = i a, nu2 = i b, xi = i s, all real and positive, and t = a b, each line becomes a s = psi1 - g(t) and
b s = psi2 - g(t) with g(t) = t + zeta^2 t / (1 + zeta^2 t); their product

    (psi1 - g(t)) (psi2 - g(t)) = s^2 t

has exactly one root with g(t) < min(psi1, psi2), because the left side falls and the right side rises: found by
bisection. Then, with chi = nu1 nu2 = -t,

    B = E1 / E0,   V = E2 / E0,
    E0 = -chi^5 zeta^6 + 3 chi^4 zeta^4 + (psi1 psi2 - psi1 - psi2 + 1) chi^3 zeta^6 - 2 chi^3 zeta^4 - 3 chi^3 zeta^2
         + (psi1 + psi2 - 3 psi1 psi2 + 1) chi^2 zeta^4 + 2 chi^2 zeta^2 + chi^2 + 3 psi1 psi2 chi zeta^2 - psi1 psi2,
    E1 = psi2 chi^3 zeta^4 - psi2 chi^2 zeta^2 + psi1 psi2 chi zeta^2 - psi1 psi2,
    E2 = chi^5 zeta^6 - 3 chi^4 zeta^4 + (psi1 - 1) chi^3 zeta^6 + 2 chi^3 zeta^4 + 3 chi^3 zeta^2
         - (psi1 + 1) chi^2 zeta^4 - 2 chi^2 zeta^2 - chi^2.

The theorem is for inputs on the sphere of radius sqrt(d); Gaussian inputs, as here, have the same limit.
"""

import argparse
import json
import math

MU_1 = 0.5
MU_STAR_SQUARED = 0.25 - 1 / (2 * math.pi)


def product_of_traces(psi1, psi2, zeta2, ridge_bar):
    """The root t of the fixed-point equation, to the last bit that bisection can tell."""
    s2 = psi1 * psi2 * ridge_bar

    def excess(t):
        g = t + zeta2 * t / (1 + zeta2 * t)
        return (psi1 - g) * (psi2 - g) - s2 * t if g < min(psi1, psi2) else -1.0

    low, high = 0.0, min(psi1, psi2)  # g(t) >= t, so the root lies below
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return low


def risk(width, samples, dimension, noise, ridge):
    """The asymptotic test error for |beta| = 1."""
    psi1, psi2 = width / dimension, samples / dimension
    z2 = MU_1**2 / MU_STAR_SQUARED
    z4, z6 = z2**2, z2**3
    chi = -product_of_traces(psi1, psi2, z2, ridge / MU_STAR_SQUARED)
    e0 = (
        -(chi**5) * z6
        + 3 * chi**4 * z4
        + (psi1 * psi2 - psi1 - psi2 + 1) * chi**3 * z6
        - 2 * chi**3 * z4
        - 3 * chi**3 * z2
        + (psi1 + psi2 - 3 * psi1 * psi2 + 1) * chi**2 * z4
        + 2 * chi**2 * z2
        + chi**2
        + 3 * psi1 * psi2 * chi * z2
        - psi1 * psi2
    )
    e1 = psi2 * chi**3 * z4 - psi2 * chi**2 * z2 + psi1 * psi2 * chi * z2 - psi1 * psi2
    e2 = (
        chi**5 * z6
        - 3 * chi**4 * z4
        + (psi1 - 1) * chi**3 * z6
        + 2 * chi**3 * z4
        + 3 * chi**3 * z2
        - (psi1 + 1) * chi**2 * z4
        - 2 * chi**2 * z2
        - chi**2
    )
    return (e1 + noise**2 * e2) / e0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--widest", type=int, required=True, help="predicts for the widths 1 ... this")
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--noise", type=float, required=True, help="standard deviation of the label noise")
    parser.add_argument("--ridge", type=float, required=True)
    parser.add_argument("--out", required=True, help="the .json to write: width and test_error, two lists")
    arguments = parser.parse_args()

    widths = range(1, arguments.widest + 1)
    errors = [risk(w, arguments.samples, arguments.dimension, arguments.noise, arguments.ridge) for w in widths]
    with open(arguments.out, "w") as file:
        json.dump({"test_error": errors, "width": list(widths)}, file, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main()
