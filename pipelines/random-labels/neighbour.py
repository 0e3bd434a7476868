"""Classifies the test digits by their nearest training digits, whose labels are corrupted, and by a vote of several.

One nearest neighbour interpolates: it answers with whatever label the neighbour carries. With the clean error e of the
same training digits, corruption of a share p by K classes at random makes it err with probability

    1 - (1 - p) (1 - e) - p / K,

so that the share of the way from e to chance, (error - e) / (1 - 1/K - e), is p itself. That share is written for one
neighbour (`followed`) and for the majority of `votes` (`voted`; the smaller class wins a tie), as means over `splits`
splits of the digits, each with a corruption of its own.
"""

import argparse

import numpy as np

import digits
import experiment


def nearest(images, others, count):
    """The indices of the nearest training digits of each test digit, nearest first."""
    distances = (images**2).sum(axis=1)[None, :] - 2 * others @ images.T
    some = np.argpartition(distances, count, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(distances, some, axis=1), axis=1)
    return np.take_along_axis(some, order, axis=1)


def error(neighbours, labels, truth):
    """The share of test digits that the majority of their neighbours gets wrong."""
    votes = np.stack([(labels[neighbours] == k).sum(axis=1) for k in range(digits.CLASSES)], axis=1)
    return float(np.mean(votes.argmax(axis=1) != truth))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--universe", required=True)
    parser.add_argument("--digits", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--samples", type=int, required=True, help="digits that train")
    parser.add_argument("--share", type=float, required=True, help="of corrupted labels")
    parser.add_argument("--splits", type=int, required=True)
    parser.add_argument("--votes", type=int, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--out", required=True, help="the .json to write: followed, voted")
    arguments = parser.parse_args()

    ways = {"followed": [], "voted": []}
    for number in range(arguments.splits):
        name = f"{arguments.seed}/{number}"
        images, classes, others, truth = digits.split(arguments.digits, arguments.universe, name, arguments.samples)
        labels = digits.corrupted(classes, arguments.universe, name, arguments.share)
        neighbours = nearest(images, others, arguments.votes)
        for way, count in (("followed", 1), ("voted", arguments.votes)):
            clean, noisy = (error(neighbours[:, :count], which, truth) for which in (classes, labels))
            ways[way].append((noisy - clean) / (1 - 1 / digits.CLASSES - clean))
    experiment.write_json(arguments.out, {way: np.mean(shares) for way, shares in ways.items()})


if __name__ == "__main__":
    main()
