"""Predicts the amplification of label noise and the learnabilities of modes for one spectrum i^-alpha, ridgeless."""

import argparse
import json

import experiment
import spectrum


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alpha", type=float, required=True)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--modes", type=int, required=True)
    parser.add_argument("--chosen", type=json.loads, required=True)
    parser.add_argument("--out", required=True, help="the .json to write: amplification, learnability, all")
    arguments = parser.parse_args()

    eigenvalues, ridge = spectrum.power_law(arguments.alpha, arguments.modes)
    learnability, overfitting = spectrum.eigenframework(eigenvalues, arguments.samples, ridge)
    prediction = {
        "amplification": overfitting,
        "learnability": [{"mode": mode, "value": learnability[mode - 1]} for mode in arguments.chosen],
        "all": learnability,
    }
    experiment.write_json(arguments.out, prediction)


if __name__ == "__main__":
    main()
