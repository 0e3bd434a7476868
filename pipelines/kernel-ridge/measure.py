"""Measures the test error of fits to one teacher, exactly, for each number of samples.

For orthonormal features the expectation over fresh points is a sum over modes: sum_i (w_i - v_i)^2 + the variance of
the labels that no mode holds. It is averaged over the data sets of an instance.
"""

import argparse
import json
import os

import numpy as np

import experiment
import spectrum


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--teacher", choices=spectrum.TEACHERS, required=True)
    parser.add_argument("--exponents", type=json.loads, required=True)
    parser.add_argument("--noise", type=float, required=True)
    parser.add_argument("--fits", required=True, help="the folder of what fit.py wrote, by samples")
    parser.add_argument("--out", required=True, help="the .json to write: curve, [{samples, error}]")
    arguments = parser.parse_args()

    curve = []
    for row in experiment.read_table(os.path.join(arguments.fits, "index.csv")):
        with np.load(os.path.join(arguments.fits, row["path"])) as fits:
            fitted = fits[arguments.teacher].astype(float)
        v, variance = spectrum.teacher(arguments.teacher, arguments.exponents, arguments.noise, fitted.shape[1])
        error = np.mean(np.sum((fitted - v) ** 2, axis=1)) + variance
        curve.append({"samples": row["samples"], "error": error})
    experiment.write_json(arguments.out, {"curve": curve})


if __name__ == "__main__":
    main()
