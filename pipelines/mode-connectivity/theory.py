"""States what the theory of connected minima predicts for these networks. No data is used.

half_exponent, -1: trained in mean-field normalisation, the units of a wide network are as if drawn independently from
one distribution (propagation of chaos). Leaving out a random half of m and doubling the rest then adds to the output a
random function of variance proportional to 1/m, and as much to the squared loss. (Alexander Shevchenko and Marco
Mondelli, "Landscape connectivity and dropout stability of SGD solutions for over-parameterized neural networks", ICML
2020.)

matched_exponent, -4 / (d + 2): so the units of two networks are two samples of m points from one distribution in D = d
+ 2 dimensions (d inputs, the constant, the outgoing weight), and their best matching has a mean squared distance of the
order of m^(-2/D) at most, D > 4 (Nicolas Fournier and Arnaud Guillin, 2015). On the straight path between matched
networks the output errs by the second order in that distance, and the loss by its square, where the networks themselves
fit: m^(-4/D), as an upper bound. (Damien Ferbach, Baptiste Goujaud, Gauthier Gidel and Aymeric Dieuleveut, "Proving
linear mode connectivity of neural networks via optimal transport", AISTATS 2024; conjectured in Rahim Entezari, Hanie
Sedghi, Olga Saukh and Behnam Neyshabur, "The role of permutation invariance in linear mode connectivity of neural
networks", ICLR 2022.)

zero_loss, 1/2: at width one a path from an outgoing weight above zero to one below it passes through zero, where the
output is zero and the loss that of no network: the mean square of the labels over 2, which is 1/2 here. So no path has
a highest loss below 1/2; the best one has just that.

Two more predictions are exact zeros and need no numbers: the loss on a path through a spare unit to any permutation of
the network (Berfin Simsek et al., "Geometry of the loss landscape in overparameterized neural networks: symmetries and
invariances", ICML 2021), and how far the path through halves exceeds its bound (Rohith Kuditipudi et al., "Explaining
landscape connectivity of low-cost solutions for multilayer nets", NeurIPS 2019); measure.py writes both paths out.
"""

import argparse

import experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, required=True, help="their dimension, without the constant")
    parser.add_argument("--out", required=True, help="the .json to write: half_exponent, matched_exponent, zero_loss")
    arguments = parser.parse_args()

    predictions = {"half_exponent": -1.0, "matched_exponent": -4 / (arguments.inputs + 2), "zero_loss": 0.5}
    experiment.write_json(arguments.out, predictions)


if __name__ == "__main__":
    main()
