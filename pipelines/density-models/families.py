"""Families of densities on the line with one parameter h, and the two objectives that estimate it; the truth is h = 0.

    maximum likelihood:   minimise mean -ln p_h(x)
    score matching:       minimise mean J_h(x),  J = psi^2 / 2 + psi',  psi = d/dx ln p_h(x)

(Hyvarinen 2005, "Estimation of non-normalized statistical models by score matching"). The families:

    gaussian   N(0, e^-h): the scale
    logistic   density sech^2((x - h)/2) / 4: the location
    mixture    w N(m, 1) + (1 - w) N(-m, 1), w = 1/(1 + e^(-2 h)): the weight, in units of its logit; separation 2 m

Each function returns, for points x of any shape, the first and second derivatives of both objectives in h, as the pairs
(ml', ml''), (sm', sm'').
"""

import numpy as np


def gaussian(x, h, separation):
    square = np.exp(h) * x * x
    matching = np.exp(h) * square
    return (square / 2 - 0.5, square / 2), (matching - np.exp(h), 2 * matching - np.exp(h))


def logistic(x, h, separation):
    t = np.tanh((x - h) / 2)
    s = 1 - t * t
    return (-t, s / 2), (-t * s, s * s / 2 - t * t * s)


def mixture(x, h, separation):
    """With t = tanh(m x + h): psi = -x + m t, psi' = -1 + m^2 (1 - t^2)."""
    m = separation / 2
    t = np.tanh(m * x + h)
    s = 1 - t * t
    constant = np.tanh(h)
    ms = m * s
    pull = m * t + x  # psi - 2 m t = -(m t + x)
    likelihood = (constant - t, 1 - constant * constant - s)
    # likelihood'' is the curvature of ln(2 cosh h) less that of ln(2 cosh(m x + h))
    return likelihood, (-ms * pull, ms * (2 * t * pull - ms))


def density(family, x, separation):
    """p_0."""
    if family == "gaussian":
        return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    if family == "logistic":
        return 1 / (4 * np.cosh(x / 2) ** 2)
    m = separation / 2
    return (np.exp(-((x - m) ** 2) / 2) + np.exp(-((x + m) ** 2) / 2)) / np.sqrt(8 * np.pi)


def draw(family, stream, shape, separation):
    """Samples of p_0."""
    if family == "logistic":
        return stream.logistic(size=shape)
    x = stream.standard_normal(shape)
    if family == "mixture":
        x += np.where(stream.random(shape) < 0.5, separation / 2, -separation / 2)
    return x


FAMILIES = {"gaussian": gaussian, "logistic": logistic, "mixture": mixture}
