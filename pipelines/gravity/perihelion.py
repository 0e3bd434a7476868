"""Measures the advance of the perihelion in simulated orbits, by Newton's law and with relativity's first correction.

The acceleration is that of the first post-Newtonian order for a light body (harmonic coordinates, GM = 1, u = 1/c^2):

    a = -x / r^3 + u / r^3 [ (4/r - v^2) x + 4 (x.v) v ],

u = strength * (1 - e^2) for a semi-axis of 1, so that `strength` is GM / (c^2 a (1 - e^2)): 2.7e-8 for Mercury, 0 for
Newton. Mercury's orbit is simulated as it is, under both laws; other orbits, of any eccentricity between 0.1 and 0.5,
with an exaggerated strength. From these, too, follows a value for Mercury, in proportion to the strength:
`extrapolated`.

Orbits start at the perihelion of an ellipse and are integrated by RK4. An orbit is at its perihelion again where x.v
goes through zero upwards; there the vector of Laplace, Runge and Lenz, v x (x x v) - x/r, points along x. Its direction
is interpolated to that moment between two steps: it hardly moves, so nothing is lost. The advance is in radians per
orbit.
"""

import argparse

import numpy as np

import experiment
from mercury import ARCSECONDS, ECCENTRICITY, STRENGTH


def acceleration(x, v, u):
    square = x[0] * x[0] + x[1] * x[1]
    inverse = 1 / np.sqrt(square)
    cube = inverse / square
    along = x[0] * v[0] + x[1] * v[1]
    speed = v[0] * v[0] + v[1] * v[1]
    return x * (cube * (u * (4 * inverse - speed) - 1)) + v * (4 * u * cube * along)


def direction(x, v):
    """The angle of the vector of Laplace, Runge and Lenz."""
    spin = x[0] * v[1] - x[1] * v[0]
    inverse = 1 / np.sqrt(x[0] * x[0] + x[1] * x[1])
    return np.arctan2(-v[0] * spin - x[1] * inverse, v[1] * spin - x[0] * inverse)


def wrapped(angle):
    """The angle between -pi and pi."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def advance(eccentricity, start, strength, orbits, steps):
    """The advance per orbit, for arrays of orbits with their perihelion at the angle `start`."""
    u = strength * (1 - eccentricity**2)
    toward = np.stack([np.cos(start), np.sin(start)])
    across = np.stack([-np.sin(start), np.cos(start)])
    x = (1 - eccentricity) * toward
    v = np.sqrt((1 + eccentricity) / (1 - eccentricity)) * across
    h = 2 * np.pi / steps
    last = np.full(len(start), 1.0)
    passed, total, latest = np.zeros(len(start), int), np.zeros(len(start)), start.copy()
    for _ in range(3 * steps * orbits):
        a1 = acceleration(x, v, u)
        v2 = v + (h / 2) * a1
        a2 = acceleration(x + (h / 2) * v, v2, u)
        v3 = v + (h / 2) * a2
        a3 = acceleration(x + (h / 2) * v2, v3, u)
        v4 = v + h * a3
        a4 = acceleration(x + h * v3, v4, u)
        before = x, v
        x, v = x + (h / 6) * (v + 2 * v2 + 2 * v3 + v4), v + (h / 6) * (a1 + 2 * a2 + 2 * a3 + a4)
        along = x[0] * v[0] + x[1] * v[1]
        at = np.flatnonzero((last < 0) & (along >= 0) & (passed < orbits))
        if len(at):
            share = -last[at] / (along[at] - last[at])
            old, new = (direction(*(z[:, at] for z in state)) for state in (before, (x, v)))
            here = old + share * wrapped(new - old)
            total[at] += wrapped(here - latest[at])
            latest[at] = here
            passed[at] += 1
            if passed.min() == orbits:
                return total / orbits
        last = along
    raise SystemExit("an orbit does not come back")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strengths", type=float, nargs="+", required=True, help="GM / (c^2 a (1 - e^2)), ascending")
    parser.add_argument("--copies", type=int, required=True, help="orbits for each strength")
    parser.add_argument("--orbits", type=int, required=True, help="turns of each")
    parser.add_argument("--steps", type=int, required=True, help="in a turn")
    parser.add_argument("--universe", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .json to write: cells, newton, mercury, extrapolated")
    arguments = parser.parse_args()

    stream = experiment.stream(arguments.universe, "gravity", "perihelion", arguments.seed)
    scaled = np.repeat(arguments.strengths, arguments.copies)
    strength = np.concatenate([[0, STRENGTH], scaled])
    eccentricity = np.concatenate([[ECCENTRICITY] * 2, stream.uniform(0.1, 0.5, len(scaled))])
    start = stream.uniform(-np.pi, np.pi, len(strength))
    found = advance(eccentricity, start, strength, arguments.orbits, arguments.steps)
    means = found[2:].reshape(-1, arguments.copies).mean(axis=1)
    cells = [{"strength": s, "advance": mean} for s, mean in zip(arguments.strengths, means)]
    experiment.write_json(
        arguments.out,
        {
            "cells": cells,
            "newton": found[0] * ARCSECONDS,
            "mercury": found[1] * ARCSECONDS,
            "extrapolated": cells[0]["advance"] / cells[0]["strength"] * STRENGTH * ARCSECONDS,
        },
    )


if __name__ == "__main__":
    main()
