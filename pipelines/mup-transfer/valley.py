"""Finds the bottom of a valley: the learning rate of the lowest loss, between the rates that were tried.

ln loss is averaged over seeds and taken as a function of x = log2 rate. A parabola is fitted with the weights
exp(-(x - c)^2 / 2 h^2) around the centre c, which then moves to the parabola's bottom (by half an octave at most), from
the lowest point until it rests. Near its bottom the valley has the same shape at every width, so what the parabola
misses of the shape is the same everywhere and leaves the exponent alone.
"""

import numpy as np

ROUNDS = 40


def bottom(octaves, losses, half):
    """The centre in octaves; `losses` has a row of mean ln loss for each rate. Rates ascend."""
    octaves, losses = np.asarray(octaves, float), np.asarray(losses, float)
    centre = octaves[np.argmin(losses)]
    for _ in range(ROUNDS):
        roots = np.exp(-(((octaves - centre) / half) ** 2) / 4)  # polyfit squares its weights
        curvature, tilt, _ = np.polyfit(octaves - centre, losses, 2, w=roots)
        step = -tilt / (2 * curvature) if curvature > 0 else -np.sign(tilt) * 0.5
        centre = np.clip(centre + np.clip(step, -0.5, 0.5), octaves[0], octaves[-1])
    return float(centre)


def between(octaves, values, centre):
    """Values at the centre, on the straight line between the two rates beside it."""
    return float(np.interp(centre, octaves, values))
