"""Predicts how the best learning rate and the movement of features scale with width by counting powers. Uses no data.

Yang et al. (2022), "Tensor programs V: tuning large neural networks via zero-shot hyperparameter transfer", appendix J.

Adam moves every weight of layer l by about its learning rate eta_l = eta n^(-c_l), and these moves are aligned with the
layer's input. So in a step the pre-activations of layer l, a sum over its fan-in n^(p_l) of inputs of order 1, move by

    eta n^(p_l - c_l),   (p_1, p_2, p_3) = (0, 1, 1),

the first layer's fan-in being the data's dimension. Training stays finite at every width, and is more than nothing, if
the largest of the three stays of order 1. With c = n^0 for all layers (sp) the best eta therefore falls as n^(-1), and
the first layer, which alone would bear eta = n^0, moves by n^(-1): its features stand still in wide networks. With
c = (0, 1, 1) (mup) all three layers move by eta, and the best eta is the same for all widths.
"""

import argparse

import experiment

FAN_IN = {"first": 0, "second": 1, "readout": 1}
FALL = {"sp": {"first": 0, "second": 0, "readout": 0}, "mup": {"first": 0, "second": 1, "readout": 1}}


def exponents(fall):
    """The exponents in width of the best rate and of the movement of each layer at that rate."""
    growth = {layer: FAN_IN[layer] - fall[layer] for layer in FAN_IN}
    best = -max(growth.values())
    return {"rate": best, "moved": {layer: best + power for layer, power in growth.items()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="the .json to write: for sp and mup the exponents rate and moved")
    arguments = parser.parse_args()
    experiment.write_json(arguments.out, {name: exponents(fall) for name, fall in FALL.items()})


if __name__ == "__main__":
    main()
