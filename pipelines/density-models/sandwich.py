"""Computes the asymptotic variances of maximum likelihood and of score matching by quadrature. Nothing is drawn.

An estimate that minimises the mean of an objective f_h over n samples has n Var(h) -> V / G^2, with V = Var(df/dh) and
G = E(d^2 f/dh^2). For maximum likelihood that is the inverse of Fisher's information. `ratio` is the variance of score
matching over that of maximum likelihood. For the weight of two modes that lie 2 m apart it grows with the inverse
density between them, the bad isoperimetric constant of the mixture: ratio -> m e^(m^2/2) / sqrt(2 pi)  (`asymptotic`)

(Koehler, Heckett, Risteski 2023, "Statistical efficiency of score matching: the view from isoperimetry"; van der Vaart
1998, "Asymptotic statistics").
"""

import argparse
import math

import numpy as np

import experiment
import families

REACH, POINTS = 45.0, 18001


def variances(family, separation):
    """The fields of the .json."""
    x = np.linspace(-REACH, REACH, POINTS)
    share = families.density(family, x, separation) * (x[1] - x[0])
    found = {}
    for name, (first, second) in zip(("likelihood", "matching"), families.FAMILIES[family](x, 0.0, separation)):
        found[name] = float(share @ first**2 - (share @ first) ** 2) / float(share @ second) ** 2
    found["ratio"] = found["matching"] / found["likelihood"]
    m = separation / 2
    found["asymptotic"] = m * math.exp(m * m / 2) / math.sqrt(2 * math.pi) if family == "mixture" else None
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", choices=sorted(families.FAMILIES), required=True)
    parser.add_argument("--separation", type=float, default=0, help="of the modes of a mixture")
    parser.add_argument("--out", required=True, help="the .json to write: likelihood, matching, ratio, asymptotic")
    arguments = parser.parse_args()
    experiment.write_json(arguments.out, variances(arguments.family, arguments.separation))


if __name__ == "__main__":
    main()
