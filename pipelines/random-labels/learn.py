"""Trains networks with one hidden layer on corrupted labels; measures their accuracy on them and on clean test digits.

    f(x) = W2' relu(W1' (x - mean)) with biases,   W1 (64, n) ~ N(0, 2/64),   W2 (n, 10) = 0,

trained with Adam on the whole training set (cross-entropy) until it fits every label or `steps` steps are over. There
are a few networks in an instance, each with a split, a corruption and an initialisation of its own. Their mean
accuracies are written, and as `epochs` the geometric mean of the steps until every label was fitted; null when one
never did.
"""

import argparse

import numpy as np

import digits
import experiment

BETA_1, BETA_2, TINY = 0.9, 0.99, 1e-8


def forward(layers, inputs):
    """Hidden features (samples, n) and scores (samples, 10)."""
    hidden = np.maximum(inputs @ layers[0] + layers[1], 0)
    return hidden, hidden @ layers[2] + layers[3]


def train(layers, inputs, labels, rate, steps):
    """Adam in place; the number of steps after which every label is fitted, or None."""
    means, squares = ([np.zeros_like(layer) for layer in layers] for _ in range(2))
    wanted = np.eye(digits.CLASSES)[labels]
    for step in range(steps + 1):
        hidden, scores = forward(layers, inputs)
        if np.array_equal(scores.argmax(axis=1), labels):
            return step
        if step == steps:
            return None
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        signal = (shares / shares.sum(axis=1, keepdims=True) - wanted) / len(inputs)
        back = (signal @ layers[2].T) * (hidden > 0)
        slopes = [inputs.T @ back, back.sum(axis=0), hidden.T @ signal, signal.sum(axis=0)]
        bias = np.sqrt(1 - BETA_2 ** (step + 1)) / (1 - BETA_1 ** (step + 1))
        for layer, slope, mean, square in zip(layers, slopes, means, squares):
            mean += (1 - BETA_1) * (slope - mean)
            square += (1 - BETA_2) * (slope * slope - square)
            layer -= rate * bias * mean / (np.sqrt(square) + TINY)


def one(arguments, name):
    """Training accuracy, test accuracy and epochs of one network."""
    images, classes, others, truth = digits.split(arguments.digits, arguments.universe, name, arguments.samples)
    labels = digits.corrupted(classes, arguments.universe, name, arguments.share)
    centre = images.mean(axis=0)
    draw = experiment.stream(arguments.universe, "random-labels", "initialisation", arguments.width, name)
    inputs = images.shape[1]
    layers = [
        draw.standard_normal((inputs, arguments.width)) * np.sqrt(2 / inputs),
        np.zeros(arguments.width),
        np.zeros((arguments.width, digits.CLASSES)),
        np.zeros(digits.CLASSES),
    ]
    epochs = train(layers, images - centre, labels, arguments.rate, arguments.steps)
    training, test = (
        np.mean(forward(layers, inputs - centre)[1].argmax(axis=1) == wanted)
        for inputs, wanted in ((images, labels), (others, truth))
    )
    return training, test, epochs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--digits", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--samples", type=int, required=True, help="digits that train")
    parser.add_argument("--share", type=float, required=True, help="of corrupted labels")
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--networks", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--out", required=True, help="the .json to write: training, test, epochs")
    arguments = parser.parse_args()

    results = [one(arguments, f"{arguments.seed}/{number}") for number in range(arguments.networks)]
    training, test, epochs = zip(*results)
    experiment.write_json(
        arguments.out,
        {
            "training": np.mean(training),
            "test": np.mean(test),
            "epochs": None if None in epochs else np.exp(np.mean(np.log(epochs))),
        },
    )


if __name__ == "__main__":
    main()
