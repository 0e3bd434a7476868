"""The analytic solution of the two-body problem, GM = 1: positions and velocities on ellipses and parabolas.

    ellipse    M = E - e sin E (Kepler's equation), x = a (cos E - e, sqrt(1 - e^2) sin E), n = a^(-3/2)
    parabola   t = sqrt(2 q^3) (D + D^3/3) (Barker's equation), D = tan(f/2), x = q (1 - D^2, 2 D)

in the plane of the orbit; `frame` turns it in space.
"""

import numpy as np


def anomaly(mean, eccentricity):
    """The eccentric anomaly E of Kepler's equation, by Newton's method from a start above the root: it converges."""
    turns = np.round(mean / (2 * np.pi))
    m = mean - 2 * np.pi * turns
    side = np.sign(m)
    m = np.abs(m)
    e = np.minimum(np.pi, m + eccentricity)
    for _ in range(60):
        e = e - (e - eccentricity * np.sin(e) - m) / (1 - eccentricity * np.cos(e))
    return side * e + 2 * np.pi * turns


def ellipse(time, eccentricity, mean):
    """State (x, v), each (2, orbits), at `time` on ellipses of semi-axis 1 with the mean anomaly `mean` at time 0."""
    e = anomaly(mean + time, eccentricity)
    cosine, sine, minor = np.cos(e), np.sin(e), np.sqrt(1 - eccentricity**2)
    speed = 1 / (1 - eccentricity * cosine)
    return np.stack([cosine - eccentricity, minor * sine]), np.stack([-sine * speed, minor * cosine * speed])


def parabola(time):
    """State at `time` after the pericentre, at the distance 1 from the centre."""
    third = 3 * time / np.sqrt(8)  # D^3 + 3 D = 2 third, by Cardano
    root = np.cbrt(third + np.sqrt(third**2 + 1))
    d = root - 1 / root
    rate = 1 / (np.sqrt(2) * (1 + d * d))
    return np.stack([1 - d * d, 2 * d]), np.stack([-2 * d * rate, 2 * rate])


def frames(count, stream):
    """Random orthonormal pairs of vectors, (3, 2, count): the plane of each orbit in space."""
    first, second = stream.standard_normal((2, 3, count))
    first /= np.linalg.norm(first, axis=0)
    second -= first * (first * second).sum(axis=0)
    second /= np.linalg.norm(second, axis=0)
    return np.stack([first, second], axis=1)


def in_space(frame, plane):
    """Vectors (2, count) of the plane as vectors (3, count) of space."""
    return frame[:, 0] * plane[0] + frame[:, 1] * plane[1]
