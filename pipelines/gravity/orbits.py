"""Draws orbits: ellipses of semi-axis 1 and parabolas with the pericentre at the distance 1, GM = 1.

An ellipse has an eccentricity uniform in [least, most] and a mean anomaly uniform in [0, 2 pi); a parabola begins up to
3 before its pericentre, uniform in time. Each lies in a plane of its own, turned at random in space.
"""

import argparse

import numpy as np

import experiment
from kepler import frames


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orbits", type=int, required=True, help="how many of each kind")
    parser.add_argument("--least", type=float, required=True, help="eccentricity")
    parser.add_argument("--most", type=float, required=True, help="eccentricity")
    parser.add_argument("--universe", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .npz to write: eccentricity, mean, before, frame")
    arguments = parser.parse_args()

    stream = experiment.stream(arguments.universe, "gravity", "orbits", arguments.seed)
    count = arguments.orbits
    np.savez(
        arguments.out,
        eccentricity=stream.uniform(arguments.least, arguments.most, count),
        mean=stream.uniform(0, 2 * np.pi, count),
        before=stream.uniform(0, 3, count),
        frame=frames(count, stream),
    )


if __name__ == "__main__":
    main()
