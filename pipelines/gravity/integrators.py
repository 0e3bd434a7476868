"""Integrators of a particle in the field of a fixed mass, GM = 1. Arrays are (3, orbits): many orbits at once.

    euler       x += h v,  v += h a(x)                                               order 1
    leapfrog    kick h/2, drift h, kick h/2 (Stoermer-Verlet), symplectic            order 2
    rk4         the classical method of Runge and Kutta                              order 4
    yoshida     three leapfrogs of w h, (1 - 2w) h, w h, w = 1 / (2 - 2^(1/3)),      order 4, symplectic (Yoshida 1990)
"""

import numpy as np

ORDER = {"euler": 1, "leapfrog": 2, "rk4": 4, "yoshida": 4}
YOSHIDA = 1 / (2 - 2 ** (1 / 3))


def pull(x):
    """The acceleration -x / |x|^3."""
    square = x[0] * x[0] + x[1] * x[1] + x[2] * x[2]
    return x * (-1 / (square * np.sqrt(square)))


def energy(x, v):
    """|v|^2 / 2 - 1 / |x|, for each orbit."""
    return (v * v).sum(axis=0) / 2 - 1 / np.sqrt((x * x).sum(axis=0))


def euler(x, v, h):
    return x + h * v, v + h * pull(x)


def leapfrog(x, v, h):
    v = v + (h / 2) * pull(x)
    x = x + h * v
    return x, v + (h / 2) * pull(x)


def yoshida(x, v, h):
    for part in (YOSHIDA * h, (1 - 2 * YOSHIDA) * h, YOSHIDA * h):
        x, v = leapfrog(x, v, part)
    return x, v


def rk4(x, v, h):
    a1 = pull(x)
    v2 = v + (h / 2) * a1
    a2 = pull(x + (h / 2) * v)
    v3 = v + (h / 2) * a2
    a3 = pull(x + (h / 2) * v2)
    v4 = v + h * a3
    a4 = pull(x + h * v3)
    return x + (h / 6) * (v + 2 * v2 + 2 * v3 + v4), v + (h / 6) * (a1 + 2 * a2 + 2 * a3 + a4)


METHODS = {"euler": euler, "leapfrog": leapfrog, "rk4": rk4, "yoshida": yoshida}
