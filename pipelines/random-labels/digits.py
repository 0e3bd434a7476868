"""The digits of a seed: which train, which test, and what becomes of the training labels when a share is corrupted.

A label is corrupted with probability `share`: it is replaced by one of the ten classes at random, its own included
(Zhang et al. 2017). With one seed a larger share corrupts the same labels and more. Test labels are never corrupted.
"""

import numpy as np

import experiment

CLASSES = 10


def split(path, universe, seed, samples):
    """Training images and classes of `samples` digits, and those of all others for the test."""
    with np.load(path) as arrays:
        images, classes = arrays["images"], arrays["classes"]
    order = experiment.stream(universe, "random-labels", "split", seed).permutation(len(images))
    train, test = order[:samples], order[samples:]
    return images[train], classes[train], images[test], classes[test]


def corrupted(classes, universe, seed, share):
    """The training labels after corruption."""
    when = experiment.stream(universe, "random-labels", "corruption", seed).random(len(classes))
    instead = experiment.stream(universe, "random-labels", "classes", seed).integers(CLASSES, size=len(classes))
    return np.where(when < share, instead, classes)
