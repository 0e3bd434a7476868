"""Draws points on a manifold of known dimension, turned at random in a space of `ambient` dimensions.

    sphere       S^d of radius 1 in d + 1 coordinates: curved, no boundary
    torus        d circles of radius 1 in 2 d coordinates (Clifford): flat in itself, bent in space, no boundary
    cube         [0, 1]^d: flat, with a boundary
    gaussian     N(0, I_d): flat, no boundary, but not uniform
    swiss-roll   a sheet of width 21 rolled up along (t cos t, t sin t), 3 pi/2 <= t <= 9 pi/2, uniform in area; d = 2

The rotation is the orthogonal factor of a Gaussian matrix. Distances, and so all that is measured here, do not depend
on it; that is part of what is tested. Points are stored in single precision.
"""

import argparse

import numpy as np

import experiment

INNER, OUTER, WIDTH = 1.5 * np.pi, 4.5 * np.pi, 21.0  # of the roll


def arc(t):
    """The length of the spiral (t cos t, t sin t) from its centre."""
    return (t * np.sqrt(1 + t * t) + np.arcsinh(t)) / 2


SPIRAL = float(arc(OUTER) - arc(INNER))


def flat(manifold, dimension, samples, stream):
    """Points in as few coordinates as the manifold needs, one a row."""
    if manifold == "sphere":
        points = stream.standard_normal((samples, dimension + 1))
        return points / np.linalg.norm(points, axis=1, keepdims=True)
    if manifold == "torus":
        angles = stream.uniform(0, 2 * np.pi, (samples, dimension))
        return np.hstack([np.cos(angles), np.sin(angles)])
    if manifold == "cube":
        return stream.uniform(size=(samples, dimension))
    if manifold == "gaussian":
        return stream.standard_normal((samples, dimension))
    if manifold == "swiss-roll" and dimension == 2:
        t = np.linspace(INNER, OUTER, 20001)
        t = np.interp(stream.uniform(arc(INNER), arc(OUTER), samples), arc(t), t)
        return np.stack([t * np.cos(t), t * np.sin(t), stream.uniform(0, WIDTH, samples)], axis=1)
    raise SystemExit(f"there is no {manifold} of dimension {dimension}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifold", required=True)
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--ambient", type=int, required=True)
    parser.add_argument("--universe", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .npy to write: samples rows, ambient columns")
    arguments = parser.parse_args()

    name = (arguments.universe, "intrinsic-dimension")
    what = (arguments.manifold, arguments.dimension, arguments.seed)
    points = flat(arguments.manifold, arguments.dimension, arguments.samples, experiment.stream(*name, "points", *what))
    needed = points.shape[1]
    if needed > arguments.ambient:
        parser.error(f"{arguments.manifold} of dimension {arguments.dimension} needs {needed} coordinates")
    square = experiment.stream(*name, "rotation", *what).standard_normal((arguments.ambient, needed))
    np.save(arguments.out, (points @ np.linalg.qr(square)[0].T).astype(np.float32))


if __name__ == "__main__":
    main()
