"""Computes the noise at which the best denoiser of n Gaussian points collapses onto single ones. Nothing is drawn.

The n - 1 other weights of a noisy training point are energies of a random-energy model, and the point's own weight wins
when the information that z carries of x is enough to tell n points apart:

    ln n = I(x; z) = d/2 ln(1 + 1/s^2),      s = (n^(2/d) - 1)^(-1/2),

exact for n, d -> infinity with ln n / d fixed (Biroli, Bonnaire, de Bortoli, Mezard 2024, "Dynamical regimes of
diffusion models"; it is also Shannon's condition for n random code words). For n^(2/d) >> 1 this is the distance to the
nearest neighbour, s ~ n^(-1/d), in `volume`, with its exponent -1/d.
"""

import argparse
import json

import experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--sizes", required=True, help="JSON: numbers of training points")
    parser.add_argument("--out", required=True, help="the .json to write: cells of size, noise, volume; exponent")
    arguments = parser.parse_args()
    sizes, dimension = json.loads(arguments.sizes), arguments.dimension
    cells = [
        {"size": size, "noise": (size ** (2 / dimension) - 1) ** -0.5, "volume": size ** (-1 / dimension)}
        for size in sizes
    ]
    experiment.write_json(arguments.out, {"cells": cells, "exponent": -1 / dimension})


if __name__ == "__main__":
    main()
