"""Predicts TwoNN on a noisy plane for every noise level, from noise far below the distance of neighbours to far above.

The points are x ~ N(0, I_d) in d of D coordinates, plus s N(0, I_D). Given a point, let p and q be the squared lengths
of its components along the plane and across it, in units of their variances 1 + s^2 and s^2: chi^2 with d and D - d
degrees of freedom. The squared distance to another point is

    r^2 = (1 + s^2) a + s^2 b,    a ~ noncentral chi^2_d(p),   b ~ noncentral chi^2_{D-d}(q),

so that F(r | p, q) is the convolution of the two. The integral of theory.py over ln r of (n-1) F (1-F)^(n-2), in the
mean over p and q by Gauss-Laguerre quadrature, is 1/dimension, exact for every n and s.

Noise is seen where it is as long as the distance to a neighbour: two points at the same place of the plane lie
s sqrt(2 (D-d)) apart; the nearest of n points, of density n / (2 pi)^(d/2) at the plane's middle, lies at the distance
T with n V_d T^d = (2 pi)^(d/2). `crossover` is the s where both are equal.
"""

import argparse
import math

import numpy as np

import experiment
from first_order import ball

CELLS = 100


def cumulative(noise, dimension, ambient, nodes):
    """The function F(ln r) for all pairs of nodes, an array (p, q, r), and the weights of the pairs (p, q)."""
    from scipy.special import chndtr, roots_genlaguerre

    across = ambient - dimension
    p, p_weights = roots_genlaguerre(nodes, dimension / 2 - 1)
    q, q_weights = roots_genlaguerre(nodes, across / 2 - 1)
    weights = p_weights[:, None] * q_weights
    # Both distributions once, on fine grids: that of a in the logarithm, because its lower tail matters.
    log_a = np.linspace(-26, 8, 3000)
    table_a = np.log(np.maximum(chndtr(np.exp(log_a), dimension, 2 * p[:, None]), 1e-300))
    grid_b = np.linspace(0, 2 * (ambient + 2 * q[-1]), 6000)
    table_b = chndtr(grid_b, across, 2 * q[:, None])

    def f(log_r):
        square = np.exp(2 * log_r)
        found = np.zeros((nodes, nodes, len(log_r)))
        for j in range(nodes):
            low, high = (grid_b[np.searchsorted(table_b[j], share)] for share in (1e-13, 1 - 1e-9))
            edges = np.linspace(low, np.clip(square / noise**2, low, high), CELLS + 1, axis=-1)
            mass = np.diff(np.interp(edges, grid_b, table_b[j]), axis=-1)
            rest = square[:, None] - noise**2 * (edges[:, 1:] + edges[:, :-1]) / 2
            log_rest = np.log(np.maximum(rest, 1e-300) / (1 + noise**2))
            for i in range(nodes):
                found[i, j] = np.sum(mass * np.exp(np.interp(log_rest, log_a, table_a[i])), axis=-1)
        return found

    return f, weights / weights.sum()


def predicted(noise, dimension, ambient, samples, nodes=10, radii=200):
    """The dimension that TwoNN gives in the mean: 1 / E ln(T_2 / T_1)."""
    f, weights = cumulative(noise, dimension, ambient, nodes)
    coarse = np.linspace(math.log(1e-5), math.log(10 + 30 * noise), 60)
    expected = samples * f(coarse)[weights > 1e-9]
    first = np.searchsorted(expected.max(axis=0) > 1e-5, True) - 1
    last = np.searchsorted(expected.min(axis=0) > 25, True)
    log_r = np.linspace(coarse[max(first, 0)], coarse[min(last, len(coarse) - 1)], radii)
    chance = np.minimum(f(log_r), 1 - 1e-15)
    inside = (samples - 1) * chance * np.exp((samples - 2) * np.log1p(-chance))
    return float(1 / np.trapezoid(np.tensordot(weights, inside, 2), log_r))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--ambient", type=int, required=True)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--noise", type=float, nargs="+", required=True, help="levels, s")
    parser.add_argument("--out", required=True, help="the .json to write: a list of noise, twonn and crossover")
    arguments = parser.parse_args()

    d, n = arguments.dimension, arguments.samples
    neighbour = math.sqrt(2 * math.pi) * (n * ball(d)) ** (-1 / d)
    crossover = neighbour / math.sqrt(2 * (arguments.ambient - d))
    cells = [
        {"noise": noise, "twonn": predicted(noise, d, arguments.ambient, n), "crossover": crossover}
        for noise in arguments.noise
    ]
    experiment.write_json(arguments.out, cells)


if __name__ == "__main__":
    main()
