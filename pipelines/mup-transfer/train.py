"""Trains one network with Adam on a stream of fresh samples and measures how well it learned and how far it moved.

The task, in d dimensions with orthonormal directions u, v drawn for each seed:

    y = (<u, x> + <u, x> <v, x>) / sqrt(2),   x ~ N(0, I_d),   so that E y = 0 and E y^2 = 1.

The network has two hidden layers of n ReLU units and no biases,

    h1 = relu(W1' x),  h2 = relu(W2' h1),  f = W3' h2,
    W1 (d, n) ~ N(0, 2/d),   W2 (n, n) ~ N(0, 2/n),   W3 (n, 1) = 0,

and each of `steps` steps takes Adam's step on the mean squared error of a fresh batch, with the learning rates

    sp   (standard parameterisation):           eta            for all three layers,
    mup  (maximal update parameterisation):     eta            for W1,
                                                eta * base/n   for W2 and W3,

Yang et al. (2022), "Tensor programs V: tuning large neural networks via zero-shot hyperparameter transfer", table 3
with the readout started at zero, as they recommend. At n = base the two are the same network. All widths and learning
rates of one seed see the same task and the same batches; an initialisation depends on the width and the seed only.

The loss that is reported is that of the batches before they are trained on, averaged over the steps after the first
quarter: an unbiased estimate of the test error along the way. What is not finite or larger than `ceiling` counts as
`ceiling` and as diverged. The movement of a layer is |h(after) - h(before)| / |h(before)| (Frobenius) over 256 inputs.
"""

import argparse

import numpy as np

import experiment

BETA_1, BETA_2, TINY = 0.9, 0.99, 1e-30
PROBES = 256
SINGLE = np.float32


def task(universe, seed, dimension, batch, steps):
    """The batches of a seed, (steps, batch, d) and (steps, batch, 1), and the inputs that movement is measured on."""
    gaussian = experiment.stream(universe, "mup-transfer", "teacher", seed).standard_normal((dimension, 2))
    directions = np.linalg.qr(gaussian)[0]
    inputs = experiment.stream(universe, "mup-transfer", "batches", seed).standard_normal((steps, batch, dimension))
    along = inputs @ directions
    labels = (along[..., :1] + along[..., :1] * along[..., 1:]) / np.sqrt(2)
    probes = experiment.stream(universe, "mup-transfer", "probes", seed).standard_normal((PROBES, dimension))
    return inputs.astype(SINGLE), labels.astype(SINGLE), probes.astype(SINGLE)


def initial(universe, seed, dimension, width):
    """The three layers of a fresh network, in single precision."""
    draw = experiment.stream(universe, "mup-transfer", "initialisation", width, seed).standard_normal
    first = draw((dimension, width), dtype=SINGLE) * SINGLE(np.sqrt(2 / dimension))
    second = draw((width, width), dtype=SINGLE) * SINGLE(np.sqrt(2 / width))
    return [first, second, np.zeros((width, 1), SINGLE)]


def hidden(layers, inputs):
    """The features of both hidden layers, (samples, n) each."""
    first = np.maximum(inputs @ layers[0], 0)
    return first, np.maximum(first @ layers[1], 0)


def gradients(layers, inputs, labels):
    """The mean squared error of a batch and its gradient in each layer."""
    first, second = hidden(layers, inputs)
    residual = second @ layers[2] - labels
    signal = residual * SINGLE(2 / len(inputs))
    back = (signal @ layers[2].T) * (second > 0)
    return (residual**2).mean(), [
        inputs.T @ ((back @ layers[1].T) * (first > 0)),
        first.T @ back,
        second.T @ signal,
    ]


def adam(layers, rates, inputs, labels):
    """Trains the layers in place and returns the loss of each batch before its step."""
    means = [np.zeros_like(layer) for layer in layers]
    squares = [np.zeros_like(layer) for layer in layers]
    losses = np.empty(len(inputs))
    for step, (x, y) in enumerate(zip(inputs, labels)):
        losses[step], slopes = gradients(layers, x, y)
        bias = np.sqrt(1 - BETA_2 ** (step + 1)) / (1 - BETA_1 ** (step + 1))
        for layer, slope, mean, square, rate in zip(layers, slopes, means, squares, rates):
            mean += SINGLE(1 - BETA_1) * (slope - mean)
            square += SINGLE(1 - BETA_2) * (slope * slope - square)
            layer -= SINGLE(rate * bias) * mean / (np.sqrt(square) + SINGLE(TINY))
    return losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--parameterisation", choices=["sp", "mup"], required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="the learning rate eta")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--base", type=int, required=True, help="the width at which both parameterisations agree")
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--ceiling", type=float, required=True, help="the largest loss that is reported")
    parser.add_argument("--out", required=True, help="the .json to write: loss, diverged, first_moved, second_moved")
    arguments = parser.parse_args()

    inputs, labels, probes = task(
        arguments.universe, arguments.seed, arguments.dimension, arguments.batch, arguments.steps
    )
    layers = initial(arguments.universe, arguments.seed, arguments.dimension, arguments.width)
    smaller = arguments.base / arguments.width if arguments.parameterisation == "mup" else 1.0
    with np.errstate(all="ignore"):
        before = hidden(layers, probes)
        losses = adam(layers, [arguments.rate, arguments.rate * smaller, arguments.rate * smaller], inputs, labels)
        after = hidden(layers, probes)
        moved = [float(np.linalg.norm(b - a) / np.linalg.norm(a)) for a, b in zip(before, after)]
        loss = float(losses[arguments.steps // 4 :].mean())

    diverged = not (np.isfinite(loss) and loss <= arguments.ceiling and all(map(np.isfinite, moved)))
    experiment.write_json(
        arguments.out,
        {
            "loss": arguments.ceiling if diverged else loss,
            "diverged": diverged,
            "first_moved": None if diverged else moved[0],
            "second_moved": None if diverged else moved[1],
        },
    )


if __name__ == "__main__":
    main()
