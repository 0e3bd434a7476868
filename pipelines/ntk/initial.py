"""Measures how much the tangent kernel of untrained networks scatters around its limit, for several widths.

    fluctuation(n) = sqrt(mean |Theta_start - Theta|^2) / |Theta|,   Frobenius norm on the training points,

the mean being over independent networks of the width n: as many as together have `neurons` hidden units, at least
`draws`. Neurons are independent, so that this falls as n^(-1/2).
"""

import argparse
import json

import numpy as np

import experiment
import network


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=network.NETWORKS, required=True)
    parser.add_argument("--widths", type=json.loads, required=True, help="a JSON list")
    parser.add_argument("--draws", type=int, required=True)
    parser.add_argument("--neurons", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--universe", required=True)
    parser.add_argument("--data", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--out", required=True, help="the .json to write: curve, [{width, fluctuation, scaled}]")
    arguments = parser.parse_args()

    with np.load(arguments.data) as data:
        points = data["inputs"][: len(data["labels"])].astype(np.float32)
    activation = network.NETWORKS[arguments.network][0]
    theta = network.limit(activation, points @ points.T / points.shape[1])
    curve = []
    for width in arguments.widths:
        squares = []
        draws = max(arguments.draws, arguments.neurons // width)
        batch = max(1, 8192 // width)
        for first in range(0, draws, batch):
            copies = min(batch, draws - first)
            name = arguments.universe, "ntk", "untrained", arguments.network, width, arguments.seed, first
            a, w = network.start(arguments.network, width, copies, points.shape[1], *name)
            deviation = network.kernels(activation, a, w, points, points, width) - theta
            squares.extend(np.sum(deviation.astype(float) ** 2, axis=(1, 2)))
        fluctuation = np.sqrt(np.mean(squares)) / np.linalg.norm(theta)
        curve.append({"width": width, "fluctuation": fluctuation, "scaled": fluctuation * np.sqrt(width)})
    experiment.write_json(arguments.out, {"curve": curve})


if __name__ == "__main__":
    main()
