"""Predicts the exponents of the scaling laws. No data is used.

With eigenvalues i^-a (a = capacity) and target weights l_i v_i^2 = i^-s (s = source), N features resolve about the
first N directions, down to k ~ N^-a, and t steps of gradient descent about those with i^-a > 1/t, i < t^(1/a). What
remains of the target is the sum of i^-s beyond:

    L(N, infinite) ~ N^-min(s - 1, a),        L(infinite, t) ~ t^-((s - 1) / a),

as long as the noise of the gradients, ~ t^-(2 - 1/a), falls faster than the latter. For compute C = N t both are
equal, and the loss least, where t ~ N^a (here s - 1 < a):

    L(C) ~ C^-((s - 1) / (1 + a)),            N(C) ~ C^(1 / (1 + a)).

Alexander Maloney, Daniel Roberts and James Sully, "A solvable model of neural scaling laws", arXiv:2210.16859; Blake
Bordelon, Alexander Atanasov and Cengiz Pehlevan, "A dynamical model of neural scaling laws", ICML 2024; Elliot
Paquette, Courtney Paquette, Lechao Xiao and Jeffrey Pennington, "4+3 phases of compute-optimal neural scaling laws",
NeurIPS 2024. Jordan Hoffmann et al., "Training compute-optimal large language models", NeurIPS 2022, measure the
frontier as scaling.py does.
"""

import argparse

import experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--capacity", type=float, required=True)
    parser.add_argument("--source", type=float, required=True)
    parser.add_argument("--out", required=True, help="the .json to write: width, time, compute, best_width")
    arguments = parser.parse_args()

    capacity, gain = arguments.capacity, arguments.source - 1
    if capacity <= 1 or not 0 < gain < min(capacity, 2 * capacity - 1):
        parser.error("these formulas hold for capacity > 1 and 1 < source < 1 + capacity, 2 capacity")
    exponents = {
        "width": gain,
        "time": gain / capacity,
        "compute": gain / (1 + capacity),
        "best_width": 1 / (1 + capacity),
    }
    experiment.write_json(arguments.out, exponents)


if __name__ == "__main__":
    main()
