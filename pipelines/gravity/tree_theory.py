"""Predicts the error of the Barnes-Hut tree for uniform points, from its geometry alone. No data is used.

A cell taken as one mass at its centre of mass has no dipole; its leading error is the quadrupole of its points. For n
points of mass m, uniform in a cube of side s, let S be the scatter matrix about their centre of mass. The mean of S is
isotropic: it has no quadrupole. Its fluctuation has, for Q = 3 S - tr S and a direction that is random relative to the
cube,

    E |error|^2 = m^2 E tr Q^2 / (2 d^8),    E tr Q^2 = 18 Var S_xx + 54 (n - 1) s^4 / 144,
    Var S_xx = (n-1)^2 / n (s^4 / 80 - (n-3)/(n-1) s^4 / 144),

where s^2/12 and s^4/80 are the second and fourth moments of a side. Different cells have independent errors, so squares
are summed over all cells that the criterion takes (side/distance < angle, but not so for the parent), n being binomial,
and averaged over targets in the cube. To leading order of the angle the small cells, with n = 2, dominate and

    error ~ angle^(5/2):    there are ~ angle^(-3) cells of side s at d ~ s/angle, each with a square ~ s^4 m^2 / d^8.
"""

import argparse

import numpy as np

import experiment


def spread(n, side):
    """E tr Q^2 / 2 of n points of unit mass."""
    if n < 2:
        return 0.0
    variance = (n - 1) ** 2 / n * (1 / 80 - (n - 3) / (n - 1) / 144)
    return side**4 * (18 * variance + 54 * (n - 1) / 144) / 2


def binomial(total, share, most):
    """The probabilities of 0 ... most - 1 successes."""
    from scipy.special import gammaln

    k = np.arange(min(most, total + 1))
    logs = gammaln(total + 1) - gammaln(k + 1) - gammaln(total - k + 1)
    return np.exp(logs + k * np.log(share) + (total - k) * np.log1p(-share))


def predicted(points, angle, targets=128):
    """The root mean square of the error, averaged over targets on a lattice (of Kronecker's) in the cube."""
    lattice = (np.arange(1, targets + 1)[:, None] * np.sqrt([2, 3, 5])) % 1
    reach = int(2 / angle + 3)
    offsets = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    square, level = 0.0, 1
    while points * 8.0**-level > 1e-4:
        side = 2.0**-level
        chances = binomial(points - 1, side**3, max(40, int(4 * points * side**3 + 40)))
        cell_square = sum(p * spread(n, side) for n, p in enumerate(chances)) / points**2
        for target in lattice:
            place = (target / side).astype(int) + offsets
            place = place[((place >= 0) & (place < 2**level)).all(axis=1)]
            gap = (place + 0.5) * side - target
            distance = np.sqrt((gap * gap).sum(axis=1))
            parent = (place // 2 + 0.5) * 2 * side - target
            opened = 2 * side >= angle * np.sqrt((parent * parent).sum(axis=1))
            far = opened & (side < angle * distance)
            square += cell_square * (distance[far] ** -8.0).sum() / targets
        level += 1
    return float(np.sqrt(square))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, required=True)
    parser.add_argument("--angle", type=float, required=True)
    parser.add_argument("--out", required=True, help="the .json to write: rms of the error")
    arguments = parser.parse_args()
    experiment.write_json(arguments.out, {"rms": predicted(arguments.points, arguments.angle)})


if __name__ == "__main__":
    main()
