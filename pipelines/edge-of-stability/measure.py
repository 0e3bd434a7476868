"""Measures the sharpness along a training run: the largest eigenvalue of the Hessian of the loss over all samples.

Lanczos with exact Hessian-vector products (network.py) at every checkpoint, started from the last checkpoint's
eigenvector plus a tenth of a random one. The numbers written, the window being the last 40 % of the steps:

    step, sharpness    lists, one entry a checkpoint
    loss               the training loss at the checkpoints (of a batch, where training saw batches)
    plateau            the mean sharpness over the window
    times_rate         plateau * eta
    peak_times_rate    the largest sharpness of the run * eta
    rising             the share of steps of the window after which the loss is higher than before
    loss_exponent      the slope of ln sharpness against ln loss over the window
    descent            the mean loss of the last 100 steps over that of the 100 steps before the window
    accuracy           on the training set, at the end
    diverged           whether the run ended early; then plateau to accuracy are null
"""

import argparse

import experiment
import numpy as np
from network import Network, largest_eigenvalue

WINDOW = 0.4


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--data", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--run", required=True, help="the .npz that train.py wrote")
    parser.add_argument("--loss", required=True, help="squares or entropy")
    parser.add_argument("--hidden", type=int, required=True)
    parser.add_argument("--eta", type=float, required=True)
    parser.add_argument("--every", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .json to write")
    arguments = parser.parse_args()

    with np.load(arguments.data) as data:
        inputs, labels = data["inputs"], data["labels"]
    with np.load(arguments.run) as run:
        losses, checkpoints, diverged = run["losses"], run["checkpoints"].astype(np.float64), bool(run["diverged"])
    network = Network([inputs.shape[1], arguments.hidden, arguments.hidden, labels.shape[1]], arguments.loss)
    random = experiment.stream(arguments.universe, "edge-of-stability", "lanczos", arguments.seed)

    if diverged:
        checkpoints = checkpoints[: max(1, len(checkpoints) - 1)]
    vector, sharpness = np.zeros(network.count), []
    for weights in checkpoints:
        other = random.standard_normal(network.count)
        start = vector + 0.1 * other / np.linalg.norm(other)
        value, vector = largest_eigenvalue(network.curvature(weights, inputs, labels), start)
        sharpness.append(value)

    steps = arguments.every * np.arange(len(sharpness))
    result = {"step": steps, "sharpness": sharpness, "loss": losses[steps], "diverged": diverged}
    names = ["plateau", "times_rate", "peak_times_rate", "rising", "loss_exponent", "descent", "accuracy"]
    if diverged:
        result.update(dict.fromkeys(names))
    else:
        first = round((1 - WINDOW) * (len(losses) - 1))
        late = steps > first
        plateau = np.mean(np.array(sharpness)[late])
        values = [
            plateau,
            plateau * arguments.eta,
            max(sharpness) * arguments.eta,
            np.mean(np.diff(losses[first:]) > 0),
            experiment.slope(losses[steps][late], np.array(sharpness)[late]),
            losses[-100:].mean() / losses[max(0, first - 100) : first].mean(),
            network.accuracy(checkpoints[-1], inputs, labels),
        ]
        result.update(zip(names, values))
    experiment.write_json(arguments.out, result)


if __name__ == "__main__":
    main()
