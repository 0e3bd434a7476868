"""Measures the test error of one trained model, exactly: no test set, so no sampling noise of one.

For f(x) = sum_j a_j phi_j(x) and the teacher <beta, x>, the expectation over x ~ N(0, I) is a finite sum:

    E (f(x) - <beta, x>)^2 = a' K a - 2 a' c + |beta|^2,
    c_j  = E phi_j(x) <beta, x> = <w_j, beta> / 2                                    (Stein's lemma),
    K_jk = E phi_j(x) phi_k(x) = (sin t + (pi - t) cos t) / (2 pi) - 1 / (2 pi)      (cos t = <w_j, w_k>),

K being the arc-cosine kernel of degree one (Cho & Saul 2009) less the square of the mean of a unit. The label noise is
not part of the test error: it is what a perfect fit would score 0 in.
"""

import argparse
import json

import numpy as np


def test_error(weights, coefficients, teacher):
    """The expected squared error against the noiseless teacher, for unit vectors as rows of `weights`."""
    cosine = np.clip(weights @ weights.T, -1, 1)
    sine = np.sqrt(1 - cosine * cosine)
    kernel = (sine + (np.pi - np.arccos(cosine)) * cosine - 1) / (2 * np.pi)
    overlap = weights @ teacher / 2
    return coefficients @ kernel @ coefficients - 2 * coefficients @ overlap + teacher @ teacher


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--weights", required=True, help="the .npz that fit.py wrote")
    parser.add_argument("--out", required=True, help="the .json to write: test_error, training_error, norm")
    arguments = parser.parse_args()

    with np.load(arguments.data) as data:
        teacher = data["teacher"]
    with np.load(arguments.weights) as fit:
        weights, coefficients = fit["directions"].astype(np.float64), fit["coefficients"]
        training_error = fit["training_error"]
    metrics = {
        "test_error": float(test_error(weights, coefficients, teacher)),
        "training_error": float(training_error),
        "norm": float(np.linalg.norm(coefficients)),
    }
    with open(arguments.out, "w") as file:
        json.dump(metrics, file, sort_keys=True, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
