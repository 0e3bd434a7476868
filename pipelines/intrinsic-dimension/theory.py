"""Predicts the dimension that TwoNN gives for a finite number of points on known manifolds. No data is used.

For n independent points let F(r|x) be the probability that one of them lies within r of x. The j-th neighbour is nearer
than r, and the next one farther, with the binomial probability of j successes of n - 1; so, in the mean over all
points,

    E ln(T_{j+1} / T_j) = integral of E_x [ C(n-1, j) F^j (1 - F)^{n-1-j} ] d ln r,

and TwoNN gives 1 / E ln(T_2 / T_1). If F = c r^d the integral is 1/(d j) whatever n and c, and ln(T_2 / T_1) is
exponential with the mean 1/d (T_2 / T_1 is Pareto, Facco et al. 2017): nothing else is needed for the estimate to be
right. What F is instead decides by how much it is wrong:

    sphere S^d      (r/2)^2 is Beta(d/2, d/2). For S^2 it is uniform (Archimedes): F = r^2/4, no bias at any n.
    torus           r^2 = sum over d circles of 4 sin^2(t/2), t uniform.
    cube            r^2 = sum over d sides of (x_i - y_i)^2 for x in the cube.
    gaussian        r^2 is a noncentral chi^2 with d degrees of freedom and noncentrality |x|^2.
    swiss roll      flat, with a boundary: first order, see first_order.py.

Sums over coordinates are distributed by discrete Fourier transform, with a factor exp(-tilt s) against what wraps
around; means over x are taken by Gauss-Laguerre quadrature (gaussian) or over a Kronecker lattice (cube). Halving the
steps of these moves no prediction by more than 0.3 %.
"""

import argparse
import math

import numpy as np

import experiment
from first_order import ball, boundary

BINS, SKIPPED, LEVELS, NODES = 2**13, 8, 64, 256


def inverse_dimension(f, log_r, samples, dimension):
    """Integral over ln r of (n-1) F (1-F)^(n-2), the expected ln(T_2/T_1); F is a power r^d below the first r."""
    f = np.clip(f, 0, 1 - 1e-15)
    inside = (samples - 1) * f * np.exp((samples - 2) * np.log1p(-f))
    return float(np.trapezoid(inside, log_r)) - math.expm1((samples - 1) * math.log1p(-f[0])) / dimension


def sphere(dimension, samples):
    from scipy.special import betainc, betaincinv

    low, high = (betaincinv(dimension / 2, dimension / 2, share / samples) for share in (1e-7, min(50, samples / 2)))
    log_r = np.linspace(math.log(low) / 2, math.log(high) / 2, 2000)
    return 1 / inverse_dimension(betainc(dimension / 2, dimension / 2, np.exp(2 * log_r)), log_r, samples, dimension)


def gaussian(dimension, samples):
    from scipy.special import chndtr, roots_genlaguerre

    nodes, weights = roots_genlaguerre(48, dimension / 2 - 1)
    keep = weights > 1e-14 * weights.sum()
    nodes, weights = nodes[keep], weights[keep] / weights.sum()
    coarse = np.linspace(-12, 4, 800)
    total = 0.0
    for node, weight in zip(nodes, weights):
        f = chndtr(np.exp(2 * coarse), dimension, 2 * node)
        total += weight * inverse_dimension(f, coarse, samples, dimension)
    return 1 / total


def spectra(cumulative, top):
    """The tilted transforms of the masses in bins up to 2 top, of distributions that `cumulative` gives in rows."""
    step = 2 * top / BINS
    edges = step * np.arange(BINS + 1)
    tilt = 12 / top
    masses = np.diff(cumulative(edges), axis=-1) * np.exp(-tilt * step * np.arange(BINS))
    return np.fft.rfft(masses, axis=-1), step, tilt


def distribution(spectrum, dimension, step, tilt):
    """F at squared distances s, up to where nothing wraps around: that of the sum of `dimension` coordinates."""
    mass = np.fft.irfft(spectrum, BINS, axis=-1) * np.exp(tilt * step * np.arange(BINS))
    s = step * (np.arange(BINS) + dimension / 2)
    return (np.cumsum(mass, axis=-1) - mass / 2)[..., : BINS // 2], s[: BINS // 2]


def torus(dimension, samples):
    density = ball(dimension) / (2 * math.pi) ** dimension
    reach = 1 if dimension < 4 else 4
    top = min(4 * dimension, reach * (30 / samples / density) ** (2 / dimension))

    def cumulative(s):
        return 2 / math.pi * np.arcsin(np.sqrt(np.minimum(s, 4)) / 2)

    spectrum, step, tilt = spectra(cumulative, top)
    f, s = distribution(spectrum**dimension, dimension, step, tilt)
    return 1 / inverse_dimension(f[SKIPPED:], np.log(s[SKIPPED:]) / 2, samples, dimension)


def cube(dimension, samples):
    density = ball(dimension)
    reach = 1 if dimension < 4 else 4
    top = min(dimension, reach * (30 / samples / density) ** (2 / dimension))
    levels = (np.arange(LEVELS) + 0.5) / LEVELS / 2

    def cumulative(s):
        root = np.sqrt(s)
        return np.minimum(levels[:, None] + root, 1) - np.maximum(levels[:, None] - root, 0)

    spectrum, step, tilt = spectra(cumulative, top)
    primes = [p for p in range(2, 400) if all(p % q for q in range(2, p))][:dimension]
    lattice = (np.arange(1, NODES + 1)[:, None] * np.sqrt(primes)) % 1
    total = 0.0
    for place in (lattice * LEVELS).astype(int):
        f, s = distribution(np.prod(spectrum[place], axis=0), dimension, step, tilt)
        total += inverse_dimension(f[SKIPPED:], np.log(s[SKIPPED:]) / 2, samples, dimension) / NODES
    return 1 / total


def swiss_roll(dimension, samples):
    from points import SPIRAL, WIDTH

    return dimension / (1 + boundary(dimension, 2 * (SPIRAL + WIDTH), SPIRAL * WIDTH) * samples ** (-1 / dimension))


PREDICTIONS = {"sphere": sphere, "torus": torus, "cube": cube, "gaussian": gaussian, "swiss-roll": swiss_roll}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifold", choices=PREDICTIONS, required=True)
    parser.add_argument("--dimension", type=int, nargs="+", required=True)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .json to write: a list of dimension and twonn")
    arguments = parser.parse_args()

    predict = PREDICTIONS[arguments.manifold]
    cells = [{"dimension": d, "twonn": predict(d, arguments.samples)} for d in arguments.dimension]
    experiment.write_json(arguments.out, cells)


if __name__ == "__main__":
    main()
