"""Trains random-feature models by stochastic gradient descent and writes their test error as it falls.

Each step takes a batch of `batch` examples and moves the readout against the gradient of their squared error. In the
basis of features.py, with delta = best - theta and examples (phi, e):

    delta <- delta - (rate / batch) sum_b phi_b (<phi_b, delta> + sqrt(floor) e_b),   theta = 0 at first.

With one epoch every example is fresh. With more, a training set of steps * batch / epochs examples is drawn once and
gone through `epochs` times, in a new order each time. The test error is exact, no test set is drawn:

    loss = floor + sum_k k_k delta_k^2.

It is averaged over the models of the instance, over several runs of each where they are fewer than `runs` (with
examples of their own), and over windows of steps, as schedule.py cuts them. Written are the lists `step` (the middle of
each window) and `loss`, and the loss of the last window by itself as `final`.
"""

import argparse

import numpy as np

import experiment
import schedule


def batches(random, shape, steps, batch, epochs):
    """Yields for each step the normals of one batch, runs x batch x (width + 1); the last of them is that of e."""
    runs, width = shape
    if epochs == 1:
        block = max(1, 2**22 // (runs * batch * (width + 1)))
        for start in range(0, steps, block):
            yield from random.standard_normal((min(block, steps - start), runs, batch, width + 1), np.float32)
        return
    examples = steps * batch // epochs
    stored = random.standard_normal((examples, runs, width + 1), np.float32)
    for _ in range(epochs):
        order = random.permutation(examples)
        for start in range(0, examples, batch):
            yield stored[order[start : start + batch]].transpose(1, 0, 2)


def losses(eigenvalues, best, floor, rate, batch, stream, steps):
    """The mean test error over the runs, after each step. Single precision: its rounding is far below the loss."""
    scale = np.sqrt(eigenvalues)[:, None, :].astype(np.float32)
    noise = np.sqrt(floor)[:, None, None].astype(np.float32)
    delta, pace, found = best[:, :, None].astype(np.float32), np.float32(rate / batch), np.empty(steps)
    for step, normals in enumerate(stream):
        features = scale * normals[:, :, :-1]
        residual = features @ delta + noise * normals[:, :, -1:]
        delta -= pace * (features.transpose(0, 2, 1) @ residual)
        error = scale[:, 0] * delta[:, :, 0]
        found[step] = np.vdot(error, error) / len(best)
    return found + floor.mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--windows", type=int, required=True)
    parser.add_argument("--universe", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--models", required=True, help="the .npz that features.py wrote")
    parser.add_argument("--out", required=True, help="the .json to write: step, loss, final")
    arguments = parser.parse_args()

    with np.load(arguments.models) as file:
        eigenvalues, best, floor = file["eigenvalues"], file["best"], file["floor"]
    repeats = -(-arguments.runs // len(best))
    eigenvalues, best, floor = (np.repeat(array, repeats, axis=0) for array in (eigenvalues, best, floor))
    steps, batch, epochs = arguments.steps, arguments.batch, arguments.epochs
    if steps % epochs:
        parser.error("the steps must be a multiple of the epochs")
    width = eigenvalues.shape[1]
    random = experiment.stream(arguments.universe, "scaling-laws", "examples", width, epochs, arguments.seed)
    stream = batches(random, eigenvalues.shape, steps, batch, epochs)
    loss = losses(eigenvalues, best, floor, arguments.rate, batch, stream, steps)
    edges = schedule.edges(steps, arguments.windows)
    averaged = schedule.average(loss, edges)
    curve = {"step": schedule.middles(edges), "loss": averaged, "final": averaged[-1]}
    experiment.write_json(arguments.out, curve)


if __name__ == "__main__":
    main()
