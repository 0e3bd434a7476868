"""Predicts the advance of the perihelion: none by Newton, 6 pi GM / (c^2 a (1 - e^2)) for an orbit by Einstein (1915).

The first is Bertrand's theorem: under an inverse square all bound orbits are closed. The second is the first order in
`strength` = GM / (c^2 a (1 - e^2)). For Mercury both are given in arc seconds a century.
"""

import argparse
import math

import experiment
from mercury import ARCSECONDS, STRENGTH


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strengths", type=float, nargs="+", required=True)
    parser.add_argument("--out", required=True, help="the .json to write, as perihelion.py does")
    arguments = parser.parse_args()

    cells = [{"strength": s, "advance": 6 * math.pi * s} for s in arguments.strengths]
    einstein = 6 * math.pi * STRENGTH * ARCSECONDS
    experiment.write_json(arguments.out, {"cells": cells, "newton": 0, "mercury": einstein})


if __name__ == "__main__":
    main()
