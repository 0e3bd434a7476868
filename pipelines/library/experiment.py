"""What the experiments of this folder share: named random streams, statistics of replicates, tables, files and figures.

Scripts import it as `experiment`, found through PYTHONPATH (`env:` in each pipeline.yaml). Rung sees that a step reads
it: an edit here runs again what imports it.
"""

import csv
import json
import math

import numpy as np

MEASURED, PREDICTED, BROKEN, QUIET = "#c03a2b", "#1f3a5f", "#b58900", "#7a7a7a"
SERIES = ["#1f3a5f", "#c03a2b", "#2a7f62", "#b58900", "#6c4f8f", "#4a90a4", "#7a7a7a"]


def stream(universe, *name):
    """The random generator of a name in a universe: the same for the same words, independent of every other one.

    A stream is named, never counted: one more seed or one more use leaves all other streams as they are.
    """
    text = "/".join(map(str, (universe,) + name))
    return np.random.default_rng(np.random.SeedSequence(list(text.encode())))


def read_json(path):
    """The value in a JSON file (NaN and Infinity as Python writes them)."""
    with open(path) as file:
        return json.load(file)


def write_json(path, value):
    """Writes a value as JSON, members sorted: equal values give equal bytes. Numbers of NumPy are written as Python's."""
    with open(path, "w") as file:
        json.dump(_plain(value), file, sort_keys=True, indent=1)
        file.write("\n")


def _plain(value):
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return value.item()
    return value


def read_table(path):
    """The rows of a collected table, as dictionaries; cells that are numbers are numbers, empty ones are None."""

    def cell(text):
        if text == "":
            return None
        try:
            return int(text)
        except ValueError:
            try:
                return float(text)
            except ValueError:
                return text

    with open(path, newline="") as file:
        return [{key: cell(text) for key, text in row.items()} for row in csv.DictReader(file)]


def groups(rows, *columns):
    """The rows by the values of columns, in the order in which those first appear; one column gives plain keys."""
    found = {}
    for row in rows:
        key = row[columns[0]] if len(columns) == 1 else tuple(row[column] for column in columns)
        found.setdefault(key, []).append(row)
    return found


def mean_and_half(values):
    """The mean and half its 95 % interval by Student's t; no interval (0) for a single value."""
    from scipy.stats import t

    values = [float(value) for value in values]
    n = len(values)
    mean = math.fsum(values) / n
    if n < 2:
        return mean, 0.0
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    return mean, float(t.ppf(0.975, n - 1)) * math.sqrt(variance / n)


def slope(x, y):
    """The exponent of a power law: the least-squares slope of ln y against ln x."""
    x, y = np.log(np.asarray(x, float)), np.log(np.asarray(y, float))
    x = x - x.mean()
    return float(x @ (y - y.mean()) / (x @ x))


def signed(vectors):
    """Eigenvectors (columns) with the sign that makes the largest entry of each positive: unique, so bitwise stable."""
    largest = np.argmax(np.abs(vectors), axis=0)
    return vectors * np.sign(vectors[largest, np.arange(vectors.shape[1])])


def pyplot(name):
    """Matplotlib's pyplot, set up for a figure of one column (3.4 inches); `name` makes the ids of an SVG its own."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update(
        {
            "font.family": "STIXGeneral",
            "mathtext.fontset": "stix",
            "font.size": 9,
            "axes.titlesize": 9,
            "legend.fontsize": 7.5,
            "legend.frameon": False,
            "legend.handlelength": 1.4,
            "axes.linewidth": 0.6,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "lines.linewidth": 1.2,
            "lines.markersize": 3,
            "errorbar.capsize": 1.4,
            "xtick.major.width": 0.6,
            "ytick.major.width": 0.6,
            "xtick.minor.width": 0.4,
            "ytick.minor.width": 0.4,
            "xtick.minor.size": 1.8,
            "ytick.minor.size": 1.8,
            "svg.hashsalt": name,
        }
    )
    return plt


def points(axes, x, means, halves, color=MEASURED, label=None, marker="o"):
    """Measured points: open markers with their 95 % intervals."""
    return axes.errorbar(
        x, means, yerr=halves, color=color, marker=marker, markerfacecolor="white", markeredgewidth=0.8,
        linestyle="none", elinewidth=0.8, capthick=0.6, label=label, zorder=3,
    )


def save(figure, *paths):
    """Writes a figure without a date or the name of a program: the same numbers give the same bytes."""
    for path in paths:
        metadata = {"Software": None} if path.endswith(".png") else {"Date": None, "Creator": None}
        figure.savefig(path, dpi=400, metadata=metadata)
