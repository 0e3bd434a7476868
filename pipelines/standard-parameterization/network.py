"""The network in three parameterisations, its features and its gradients.

Two hidden layers of n ReLU units without biases and one output, on inputs with |x|^2 = d:

    h1 = relu(a1 w1' x),   h2 = relu(a2 w2' h1),   f = a3 w3' h2,   w_l entries ~ N(0, b_l^2),

trained by plain gradient descent on w with ONE learning rate eta for all layers. The multipliers a and the standard
deviations b of the initialisation, layer by layer (Yang & Hu 2021, "Feature learning in infinite-width neural
networks", their abc-parametrizations with ReLU's factor 2 put in):

    sp    a = (1, 1, 1)                                    b = (sqrt(2/d), sqrt(2/n), sqrt(1/n))
    ntp   a = (sqrt(2/d), sqrt(2/n), sqrt(1/n))            b = (1, 1, 1)
    mup   a = (sqrt(2n/d), sqrt(2), sqrt(1/n))             b = (1, 1, 1) / sqrt(n)

So h1 and h2 are of order 1 in all three. The trained function is f less its value at initialisation (Chizat, Oyallon &
Bach 2019), so that all begin at 0: the labels are moved by f instead, see `task`.
"""

import numpy as np

import experiment

PARAMETERISATIONS = ["sp", "ntp", "mup"]


def scales(parameterisation, dimension, width):
    """The multipliers and the standard deviations of the three layers."""
    d, n = dimension, width
    fan = np.sqrt([2 / d, 2 / n, 1 / n])
    if parameterisation == "sp":
        return np.ones(3), fan
    if parameterisation == "ntp":
        return fan, np.ones(3)
    return np.sqrt([2 * n / d, 2, 1 / n]), np.full(3, n**-0.5)


class Network:
    """Multipliers and weights; the random numbers of a seed and width are the same in every parameterisation."""

    def __init__(self, universe, parameterisation, dimension, width, seed):
        draw = experiment.stream(universe, "standard-parameterization", "initialisation", width, seed).standard_normal
        shapes = [(dimension, width), (width, width), (width, 1)]
        self.multipliers, deviations = scales(parameterisation, dimension, width)
        self.weights = [deviation * draw(shape) for deviation, shape in zip(deviations, shapes)]

    def copy(self):
        other = object.__new__(Network)
        other.multipliers, other.weights = self.multipliers, [weight.copy() for weight in self.weights]
        return other

    def features(self, inputs):
        """h1, h2 and f for inputs (samples, d)."""
        a, w = self.multipliers, self.weights
        first = np.maximum(a[0] * (inputs @ w[0]), 0)
        second = np.maximum(a[1] * (first @ w[1]), 0)
        return first, second, a[2] * (second @ w[2])

    def step(self, inputs, labels, rate):
        """One step of gradient descent on the mean of (f - y)^2 / 2; gives that loss before the step."""
        a, w = self.multipliers, self.weights
        first, second, output = self.features(inputs)
        residual = output - labels
        signal = residual * (a[2] / len(inputs))
        back = (signal @ w[2].T) * (second > 0) * a[1]
        further = (back @ w[1].T) * (first > 0) * a[0]
        w[2] -= rate * (second.T @ signal)
        w[1] -= rate * (first.T @ back)
        w[0] -= rate * (inputs.T @ further)
        return float((residual**2).mean() / 2)


def data(path):
    """Inputs (samples, d) and labels (samples, 1) as data.py wrote them."""
    with np.load(path) as arrays:
        return arrays["inputs"], arrays["labels"]


def task(path, universe, parameterisation, width, seed):
    """A fresh network, the inputs, and what its output has to reach in order to move by the labels of data.py."""
    inputs, labels = data(path)
    start = Network(universe, parameterisation, inputs.shape[1], width, seed)
    return start, inputs, labels + start.features(inputs)[2]
