"""Measures how far trained networks of several widths are from kernel dynamics, in the kernel and in function space.

    drift       |Theta_end - Theta_start| / |Theta|    on the training points, Frobenius norm
    gap         |f_end - f_kernel| / |f_kernel|        on the test points, f_kernel by the limit kernel
    gap_own     |f_end - f_own| / |f_kernel|           the same, f_own by the network's own kernel at the start
    residual    |f_end - y| / |y|                      on the training points

Each is the root mean square over the networks that were trained side by side. Where training diverged, `diverged` is
true and the numbers are null. Beside this curve in width stands

    gap_constant    root mean square of gap * sqrt(n) over all networks of at least 128 hidden units
"""

import argparse
import os

import numpy as np

import experiment
import network

WIDE = 128


def norms(arrays):
    """The norm of each array of a stack."""
    return np.sqrt(np.sum(np.square(arrays).reshape(len(arrays), -1), axis=1))


def measure(name, width, weights, inputs, labels, rate, steps):
    """The numbers that the top of this file lists, for the networks of one width."""
    function, count = network.NETWORKS[name][0], len(labels)
    points = inputs[:count]
    (a_start, w_start), (a, w) = (
        (weights[a].astype(float), weights[w].astype(float)) for a, w in (("a_start", "w_start"), ("a", "w"))
    )
    with np.errstate(all="ignore"):
        theta = network.limit(function, inputs @ points.T / inputs.shape[1])
        first = network.kernels(function, a_start, w_start, inputs, points, width)
        last = network.kernels(function, a, w, points, points, width)
        f = network.outputs(name, a, w, inputs, width) - network.outputs(name, a_start, w_start, inputs, width)
        f = f.T
        expected = network.kernel_dynamics(theta, labels, rate, steps)
        own = np.array([network.kernel_dynamics(kernel, labels, rate, steps) for kernel in first])
        unit = np.linalg.norm(expected[count:])
        each = {
            "drift": norms(last - first[:, :count]) / np.linalg.norm(theta[:count]),
            "gap": norms((f - expected)[:, count:]) / unit,
            "gap_own": norms((f - own)[:, count:]) / unit,
            "residual": norms(f[:, :count] - labels) / np.linalg.norm(labels),
        }
        metrics = {key: float(np.sqrt(np.mean(values**2))) for key, values in each.items()}
    diverged = not np.isfinite(list(metrics.values())).all()
    if diverged:
        metrics = dict.fromkeys(metrics)
    return {"width": width, "copies": len(f), "diverged": diverged} | metrics


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=network.NETWORKS, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--data", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--weights", required=True, help="the folder of what train.py wrote, by width")
    parser.add_argument("--out", required=True, help="the .json to write: curve, a list by width")
    arguments = parser.parse_args()

    with np.load(arguments.data) as data:
        inputs, labels = data["inputs"], data["labels"]
    curve = []
    for row in experiment.read_table(os.path.join(arguments.weights, "index.csv")):
        with np.load(os.path.join(arguments.weights, row["path"])) as weights:
            settings = inputs, labels, arguments.rate, arguments.steps
            curve.append(measure(arguments.network, row["width"], weights, *settings))
    wide = [point for point in curve if point["width"] >= WIDE and not point["diverged"]]
    squares = [point["copies"] * point["width"] * point["gap"] ** 2 for point in wide]
    constant = np.sqrt(sum(squares) / sum(point["copies"] for point in wide)) if wide else None
    experiment.write_json(arguments.out, {"curve": curve, "gap_constant": constant})


if __name__ == "__main__":
    main()
