"""Predicts what local.py measures on the sphere S^2, exactly. No data is used.

(r/2)^2 is uniform for two random points of S^2. So, given T_k, the nearer neighbours are independent and each
2 ln(T_k/T_j) is exponential with the mean 1; the sum of k - 1 of them is a Gamma variable, and

    levina_bickel       E (k-1) / sum = (k-1) / (k-2), in units of d: an average of inverses
    mackay_ghahramani   1: the inverse of an average
    variance            1 (times d^2 / (n (k-1))) if the n neighbourhoods were independent, as the two papers suppose.

Neighbourhoods overlap, and the last is wrong. Within a fixed radius R it is easily put right: the estimate is a sum
over pairs of points; the d ln(R/T) - 1 of two pairs are uncorrelated, even if they share a point, because the sphere
looks the same from everywhere; and each pair is counted twice, from both its ends. So

    ball_variance       2.
"""

import argparse

import experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neighbours", type=int, nargs="+", required=True, help="the numbers k")
    parser.add_argument("--out", required=True, help="the .json to write, as local.py does")
    arguments = parser.parse_args()

    neighbours = [
        {"neighbours": k, "levina_bickel": (k - 1) / (k - 2), "mackay_ghahramani": 1, "variance": 1}
        for k in arguments.neighbours
    ]
    experiment.write_json(arguments.out, {"neighbours": neighbours, "ball_variance": 2})


if __name__ == "__main__":
    main()
