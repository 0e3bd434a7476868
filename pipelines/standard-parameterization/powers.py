"""Predicts by counting powers of the width what one step of gradient descent does in a parameterisation. Uses no data.

Yang & Hu (2021), "Feature learning in infinite-width neural networks". Let the multipliers of
network.py be of order n^A and the entries of the weights of order n^B, layer by layer. The gradients of f are

    df/dw3_i = a3 h2_i,   df/dw2_ji = a3 w3_i a2 h1_j,   df/dw1_kj = a3 sum_i w3_i a2 w2_ji a1 x_k

(slopes of relu left out), and a step moves w by eta times these. The output moves by eta times the sum of their
squares:

    readout  n^(2 A3 + 1),   second  n^(2 (A3 + A2 + B3) + 2),   first  n^(2 (A3 + A2 + A1 + B3 + B2) + 2),

the last because the sum over i is of n independent terms. The features h2 move through w2 and through h1:

    second   n^(2 A2 + A3 + B3 + 1),   first   n^(2 (A1 + A2 + B2) + A3 + B3 + 1).

The largest power counts. The largest stable learning rate is what keeps the output's move of order 1.
"""

import argparse

import experiment

# The exponents A of the multipliers and B of the standard deviations in network.py.
POWERS = {
    "sp": ((0, 0, 0), (0, -0.5, -0.5)),
    "ntp": ((0, -0.5, -0.5), (0, 0, 0)),
    "mup": ((0.5, 0, -0.5), (-0.5, -0.5, -0.5)),
}


def exponents(parameterisation):
    """The exponents in width of the moves of output and features, and of the largest stable rate."""
    (a1, a2, a3), (_, b2, b3) = POWERS[parameterisation]
    logits = max(2 * a3 + 1, 2 * (a3 + a2 + b3) + 2, 2 * (a3 + a2 + a1 + b3 + b2) + 2)
    features = max(2 * a2 + a3 + b3 + 1, 2 * (a1 + a2 + b2) + a3 + b3 + 1)
    return {"logits": logits, "features": features, "rate": -logits}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parameterisation", choices=list(POWERS), required=True)
    parser.add_argument("--out", required=True, help="the .json to write: logits, features, rate")
    arguments = parser.parse_args()
    experiment.write_json(arguments.out, exponents(arguments.parameterisation))


if __name__ == "__main__":
    main()
