"""Draws random-feature models of power-law data and brings each into the basis in which training is simple.

The data are Gaussian with a power-law spectrum, and the target is linear with power-law coefficients:

    x_i = sqrt(l_i) z_i,   z_i ~ N(0, 1),   l_i = i^(-capacity),           i = 1 ... dimension,
    y   = sum_i v_i x_i,   l_i v_i^2 = i^(-source).

A model sees `width` random projections of x, and only its readout is trained:

    f(x) = <theta, W' x>,   W_ij ~ N(0, 1 / width)   (dimension x width).

x being Gaussian, features and target are jointly Gaussian, so that a model is known from few numbers. In the eigenbasis
of the features' covariance K = W' L W they are

    phi_k = sqrt(k_k) g_k,   y = <best, phi> + sqrt(floor) e,   g and e independent standard normals,

with the eigenvalues k_k, the best readout best = K^-1 W' L v and the error that no readout can avoid,

    floor = v' L v - best' K best.

Stochastic gradient descent is the same in any orthonormal basis: to draw (g, e) is to draw x. Written are the arrays
`eigenvalues` and `best` (models x width) and `floor` (models), for models = features / width independent W: the same
number of features at each width, so that narrow models, which differ more, are averaged more.
"""

import argparse

import numpy as np

import experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--features", type=int, required=True, help="features of all models together")
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--capacity", type=float, required=True)
    parser.add_argument("--source", type=float, required=True)
    parser.add_argument("--universe", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .npz to write")
    arguments = parser.parse_args()

    width, dimension = arguments.width, arguments.dimension
    index = np.arange(1.0, dimension + 1)
    spread = index ** (-arguments.capacity / 2) / np.sqrt(width)
    target = index ** (-arguments.source / 2)
    random = experiment.stream(arguments.universe, "scaling-laws", "projections", width, arguments.seed)
    models = max(1, arguments.features // width)
    eigenvalues, best, floor = np.empty((models, width)), np.empty((models, width)), np.empty(models)
    for model in range(models):
        projection = random.standard_normal((dimension, width)) * spread[:, None]
        eigenvalues[model], basis = np.linalg.eigh(projection.T @ projection)
        basis = experiment.signed(basis)
        best[model] = basis.T @ (projection.T @ target) / eigenvalues[model]
        floor[model] = target @ target - eigenvalues[model] @ best[model] ** 2
    np.savez(arguments.out, eigenvalues=eigenvalues, best=best, floor=floor)


if __name__ == "__main__":
    main()
