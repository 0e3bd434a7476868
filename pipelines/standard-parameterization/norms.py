"""Sends one input through many deep networks and measures how much the length of its features fluctuates with depth.

    h_0 of length sqrt(n),   h_l = relu(W_l h_(l-1)),   W_l entries ~ N(0, 2/n),   l = 1 ... depth,   width n.

Each of the `networks` is drawn afresh. For each depth L in a list, the variance over networks of ln(|h_L|^2 / |h_0|^2)
is written, together with that variance times n/L. A network whose features have all died counts for nothing; how many
have is written too.
"""

import argparse

import numpy as np

import experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--depths", type=int, nargs="+", required=True, help="ascending")
    parser.add_argument("--networks", type=int, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--out", required=True, help="the .json to write: depths, variances, scaled, dead")
    arguments = parser.parse_args()

    n, networks = arguments.width, arguments.networks
    stream = experiment.stream(arguments.universe, "standard-parameterization", "norms", n, arguments.seed)
    state = np.ones((networks, n, 1), np.float32)
    logarithm, alive = np.zeros(networks), np.ones(networks, bool)
    variances = []
    for depth in range(1, arguments.depths[-1] + 1):
        weights = stream.standard_normal((networks, n, n), dtype=np.float32) * np.float32(np.sqrt(2 / n))
        state = np.maximum(weights @ state, 0)
        square = np.einsum("kil,kil->k", state, state, dtype=np.float64) / n
        alive &= square > 0
        logarithm += np.log(np.where(alive, square, 1))
        state /= np.sqrt(np.where(alive, square, 1), dtype=np.float32)[:, None, None]
        if depth in arguments.depths:
            variances.append(float(np.var(logarithm[alive], ddof=1)))
    experiment.write_json(
        arguments.out,
        {
            "depths": arguments.depths,
            "variances": variances,
            "scaled": [n * variance / depth for depth, variance in zip(arguments.depths, variances)],
            "dead": int(networks - alive.sum()),
        },
    )


if __name__ == "__main__":
    main()
