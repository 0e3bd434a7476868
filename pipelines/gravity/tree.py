"""Measures the error of a Barnes-Hut tree against direct sums: N points of mass 1/N, uniform in the unit cube, G = 1.

A cell of side s at the distance d (of its middle from the point that is pulled) is taken as one mass at its centre of
mass if s / d < angle, else it is opened into eight; a cell with a single point is exact. Errors are vectors, tree less
direct.

The tree is a list of levels, each with the sorted keys, counts and centres of mass of its occupied cells; all pairs of
a target and a cell go down level by level together, so that nothing is a loop over points.
"""

import argparse

import numpy as np

import experiment


def build(points, levels):
    """For each level the sorted keys (x, y, z in base 2^level) of occupied cells, their counts and centres of mass."""
    tree = []
    for level in range(levels + 1):
        side = 2**level
        place = np.minimum((points * side).astype(np.int64), side - 1)
        keys, member = np.unique((place[:, 0] * side + place[:, 1]) * side + place[:, 2], return_inverse=True)
        counts = np.bincount(member)
        centres = np.stack([np.bincount(member, points[:, axis]) for axis in range(3)], axis=1) / counts[:, None]
        tree.append((keys, counts, centres))
    return tree


def forces(targets, points, tree, angle):
    """The tree's force on each target, and how many cells and points it took."""
    total = np.zeros_like(targets)
    taken = 0
    count = len(targets)

    def add(who, where, masses):
        gap = where - targets[who]
        square = (gap * gap).sum(axis=1)
        square[square == 0] = np.inf  # the target itself
        pulls = gap * (masses / (len(points) * square * np.sqrt(square)))[:, None]
        for axis in range(3):
            total[:, axis] += np.bincount(who, pulls[:, axis], minlength=count)
        return len(who)

    who, keys = np.arange(count), np.zeros(count, np.int64)
    for level, (known, counts, centres) in enumerate(tree):
        side = 2**level
        cell = np.searchsorted(known, keys)
        cell = np.minimum(cell, len(known) - 1)
        occupied = known[cell] == keys
        who, keys, cell = who[occupied], keys[occupied], cell[occupied]
        place = np.stack([keys // side**2, keys // side % side, keys % side], axis=1)
        gap = (place + 0.5) / side - targets[who]
        far = 1 / side < angle * np.sqrt((gap * gap).sum(axis=1))
        final = far | (counts[cell] == 1)
        taken += add(who[final], centres[cell[final]], counts[cell[final]])
        who, place = who[~final], place[~final]
        if level + 1 < len(tree):
            side *= 2
            child = 2 * place[:, None] + np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)])
            keys = ((child[..., 0] * side + child[..., 1]) * side + child[..., 2]).ravel()
            who = np.repeat(who, 8)
    if len(who):
        raise SystemExit("points too near to be told apart: more levels are needed")
    return total, taken / count


def direct(targets, points):
    """The exact force on each target."""
    total = np.empty_like(targets)
    for row, target in enumerate(targets):
        gap = points - target
        square = (gap * gap).sum(axis=1)
        square[square == 0] = np.inf
        total[row] = (gap / (square * np.sqrt(square))[:, None]).sum(axis=0) / len(points)
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--box", required=True, help="the .npy that box.py wrote")
    parser.add_argument("--targets", type=int, required=True, help="how many of the points are pulled")
    parser.add_argument("--angle", type=float, required=True, help="below it s/d is far enough")
    parser.add_argument("--out", required=True, help="the .json to write: rms of the error, cells and points taken")
    arguments = parser.parse_args()

    points = np.load(arguments.box)
    targets = points[: arguments.targets]
    found, taken = forces(targets, points, build(points, 16), arguments.angle)
    error = np.sqrt(((found - direct(targets, points)) ** 2).sum(axis=1).mean())
    experiment.write_json(arguments.out, {"rms": error, "taken": taken})


if __name__ == "__main__":
    main()
