"""Draws the task of one seed: Gaussian inputs, and labels from a small teacher network.

The teacher is a sum of tanh units with standard Gaussian weights and a random sign each. Its values are centred and
scaled to mean square 1 over the samples, so that the zero function has the loss 1/2.
"""

import argparse

import experiment
import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--inputs", type=int, required=True, help="their dimension, without the constant")
    parser.add_argument("--teacher", type=int, required=True, help="its units")
    parser.add_argument("--out", required=True, help="the .npz to write: inputs (n, d + 1) and labels (n,)")
    arguments = parser.parse_args()

    random = experiment.stream(arguments.universe, "mode-connectivity", "inputs", arguments.seed)
    inputs = random.standard_normal((arguments.samples, arguments.inputs))
    inputs = np.hstack([inputs, np.ones((arguments.samples, 1))])
    random = experiment.stream(arguments.universe, "mode-connectivity", "teacher", arguments.seed)
    weights = random.standard_normal((arguments.teacher, arguments.inputs + 1))
    labels = np.tanh(inputs @ weights.T) @ random.choice([-1.0, 1.0], arguments.teacher)
    labels -= labels.mean()
    labels /= np.sqrt(np.mean(labels**2))
    np.savez(arguments.out, inputs=inputs, labels=labels)


if __name__ == "__main__":
    main()
