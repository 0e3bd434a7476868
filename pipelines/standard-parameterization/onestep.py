"""Takes one small step of gradient descent and measures how far it moves the features and the output.

    features = |h2(after) - h2(before)| / |h2(before)|,   logits = |f(after) - f(before)| / sqrt(samples),

both over the training inputs, geometric mean over `networks` fresh networks. The step is small enough that both are
proportional to the learning rate at every width.
"""

import argparse

import numpy as np

import experiment
import network


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--parameterisation", choices=network.PARAMETERISATIONS, required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--data", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--networks", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--out", required=True, help="the .json to write: features, logits")
    arguments = parser.parse_args()

    moves = []
    for number in range(arguments.networks):
        name = f"{arguments.seed}/{number}"
        trained, inputs, labels = network.task(
            arguments.data, arguments.universe, arguments.parameterisation, arguments.width, name
        )
        _, features, output = trained.features(inputs)
        trained.step(inputs, labels, arguments.rate)
        _, moved, changed = trained.features(inputs)
        relative = np.linalg.norm(moved - features) / np.linalg.norm(features)
        moves.append([relative, np.sqrt(np.mean((changed - output) ** 2))])
    features, logits = np.exp(np.log(moves).mean(axis=0))
    experiment.write_json(arguments.out, {"features": features, "logits": logits})


if __name__ == "__main__":
    main()
