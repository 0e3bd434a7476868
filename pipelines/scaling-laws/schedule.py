"""The windows of training steps over which losses are averaged, evenly spaced in the logarithm.

At a constant learning rate the loss of a single run goes on to fluctuate from step to step; its mean over a window a
few per cent long in ln t does much less. Training and theory use the same windows.
"""

import numpy as np


def edges(steps, windows):
    """The last step of each window, 1 ... steps; early windows hold one step, so there are fewer than `windows`."""
    return np.unique(np.round(np.geomspace(1, steps, windows)).astype(int))


def middles(edges):
    """The geometric mean of the first and the last step of each window."""
    first = np.concatenate([[0], edges[:-1]]) + 1
    return np.sqrt(first * edges)


def average(losses, edges):
    """The mean of losses (losses[t - 1] is that after step t) over each window."""
    first = np.concatenate([[0], edges[:-1]])
    return np.add.reduceat(losses, first) / (edges - first)
