"""One round of the search for the largest stable learning rates of some networks: halves their brackets a few times.

A rate counts as stable if the loss of full-batch gradient descent falls in each of `steps` steps. The state is a
bracket for each network, low (stable) and high (not stable), whose middle is taken geometrically. The first round
begins with an empty state and the whole bracket; the last has high / low <= 1 + `precision` for all and says so in
`converged`.
"""

import argparse
import math
import os

import numpy as np

import experiment
import network


def stable(start, inputs, labels, rate, steps):
    """Whether every step lowers the loss."""
    trained = start.copy()
    with np.errstate(all="ignore"):
        before = trained.step(inputs, labels, rate)
        for _ in range(steps):
            after = trained.step(inputs, labels, rate)
            if not after < before:  # also when it is not a number
                return False
            before = after
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--parameterisation", choices=network.PARAMETERISATIONS, required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--data", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--networks", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--bracket", type=float, nargs=2, required=True, help="where each search begins")
    parser.add_argument("--halvings", type=int, required=True, help="of each bracket, in this round")
    parser.add_argument("--precision", type=float, required=True)
    parser.add_argument("--previous", required=True, help="the state of the round before; empty in the first round")
    parser.add_argument("--out", required=True, help="the .json to write: brackets, rate, tests, converged")
    arguments = parser.parse_args()

    if os.path.getsize(arguments.previous) > 0:
        state = experiment.read_json(arguments.previous)
        brackets, tests = state["brackets"], state["tests"]
    else:
        brackets, tests = [list(arguments.bracket)] * arguments.networks, 0
    for number, (low, high) in enumerate(brackets):
        start, inputs, labels = network.task(
            arguments.data, arguments.universe, arguments.parameterisation, arguments.width,
            f"{arguments.seed}/{number}",
        )
        for _ in range(arguments.halvings):
            middle = math.sqrt(low * high)
            if stable(start, inputs, labels, middle, arguments.steps):
                low = middle
            else:
                high = middle
            tests += 1
        brackets[number] = [low, high]
    converged = all(high <= low * (1 + arguments.precision) for low, high in brackets)
    if converged and any(low == arguments.bracket[0] or high == arguments.bracket[1] for low, high in brackets):
        raise SystemExit(f"a largest stable rate lies outside the bracket {arguments.bracket}")
    rate = math.exp(sum(math.log(low * high) / 2 for low, high in brackets) / len(brackets))
    experiment.write_json(
        arguments.out, {"brackets": brackets, "rate": rate, "tests": tests, "converged": converged}
    )


if __name__ == "__main__":
    main()
