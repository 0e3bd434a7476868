"""The two-layer network of this experiment: its output, its loss and the gradient, all in mean-field normalisation.

With inputs x of dimension d and a constant 1 appended, m units of incoming weights w_j (d + 1 numbers) and an outgoing
weight a_j,

    f(x) = (1/m) sum_j a_j tanh(<w_j, x>),     L = (1/2n) sum_i (f(x_i) - y_i)^2.

A network is one array of shape (m, d + 2), a row for each unit: its incoming weights and, last, its outgoing weight.
There is no bias of the output. The loss does not change when rows are permuted or when a row changes its sign.
"""

import numpy as np


def features(units, inputs):
    """What each unit adds to m times the output, as (n, m)."""
    return np.tanh(inputs @ units[:, :-1].T) * units[:, -1]


def loss(units, inputs, labels):
    error = features(units, inputs).mean(1) - labels
    return 0.5 * float(error @ error) / len(labels)


def losses(path, inputs, labels):
    """The loss at each network of a path."""
    return np.array([loss(units, inputs, labels) for units in path])


def gradient(units, inputs, labels):
    """The loss, and m times its gradient: of order 1 for each unit, whatever the width."""
    active = np.tanh(inputs @ units[:, :-1].T)
    error = active @ units[:, -1] / len(units) - labels
    slope = error / len(labels)
    result = np.empty_like(units)
    result[:, -1] = slope @ active
    result[:, :-1] = (slope[:, None] * (1 - active * active) * units[:, -1]).T @ inputs
    return 0.5 * float(error @ error) / len(labels), result


def line(first, last, points):
    """The straight path between two networks."""
    return [(1 - t) * first + t * last for t in np.linspace(0, 1, points)]


def bezier(first, bend, last, points):
    """The quadratic Bezier curve between two networks with a control point."""
    return [(1 - t) ** 2 * first + 2 * t * (1 - t) * bend + t**2 * last for t in np.linspace(0, 1, points)]


def barrier(along):
    """How far the losses along a path rise above the straight line between those at its ends."""
    t = np.linspace(0, 1, len(along))
    return float(np.max(along - (1 - t) * along[0] - t * along[-1]))
