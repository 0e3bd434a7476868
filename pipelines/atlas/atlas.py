"""Gathers the verdicts of other pipelines into one table and one picture.

Each claim is a point at its distance from the prediction in units of what it tolerates,

    (m - p) / x   absolute,   (m - p) / (x |p|)   relative,   ln(m / p) / x   log,

with the 95 % interval of the measurement: a claim that holds lies between -1 and 1, one where theory breaks beyond. For a
one-sided claim the distance is that from the bound in units of the bound, negative where it is kept, and there at most 1: it
cannot break on that side. What lies farther out than the picture is drawn at its edge, as a triangle.
"""

import argparse
import csv
import math

from experiment import MEASURED, PREDICTED, QUIET, pyplot, read_json, save, write_json

EDGE = 3.0


def distance(verdict, value):
    """How far a value lies from what is predicted, in units of the tolerance; None where that is not a number."""
    predicted, tolerance = verdict["predicted"], verdict["tolerance"].split()
    if predicted is None or value is None:
        return None
    if tolerance[0] == "at":
        scale = abs(predicted) or 1.0
        return max(-1.0, (value - predicted) / scale * (1 if tolerance[1] == "most" else -1))
    if tolerance[0] == "interval" or tolerance[-1] == "sigma" or tolerance[0] == "z":
        return None
    width = float(tolerance[1])
    if tolerance[0] == "relative":
        width *= abs(predicted)
    if tolerance[0] == "log":
        ratio = value / predicted
        return math.log(ratio) / width if ratio > 0 else -math.inf
    if width == 0:
        return 0.0 if value == predicted else math.copysign(math.inf, value - predicted)
    return (value - predicted) / width


def draw(groups, paths):
    """The picture: a row for each claim, grouped by pipeline."""
    plt = pyplot("atlas")
    rows = sum(len(claims) + 1 for claims in groups.values())
    figure, axes = plt.subplots(figsize=(7, 0.145 * rows + 0.6), layout="constrained")
    axes.axvspan(-1, 1, color=PREDICTED, alpha=0.1, linewidth=0)
    axes.axvline(0, color=PREDICTED, linewidth=0.6)
    place, labels = 0, []
    for pipeline, claims in groups.items():
        labels.append((place, pipeline, True))
        place += 1
        for claim in claims:
            labels.append((place, claim["name"].replace("_", " "), False))
            color = MEASURED if claim["as_expected"] else "#000000"
            style = dict(color=color, markerfacecolor="white" if claim["expected"] == "holds" else color, markersize=3.2)
            at = distance(claim, claim["measured"])
            if at is None:
                axes.text(0, place, "✓" if claim["as_expected"] else "✗", ha="center", va="center", fontsize=7, color=color, family="DejaVu Sans")
            elif abs(at) >= EDGE:
                axes.plot(math.copysign(EDGE, at), place, marker=">" if at > 0 else "<", clip_on=False, **style)
            else:
                ends = [distance(claim, end) for end in claim["interval"] or []]
                if len(ends) == 2 and None not in ends:
                    axes.plot([max(-EDGE, min(EDGE, end)) for end in ends], [place, place], color=color, linewidth=0.8)
                axes.plot(at, place, marker="o", **style)
            place += 1
    axes.set_ylim(place - 0.3, -0.7)
    axes.set_xlim(-EDGE, EDGE)
    axes.set_yticks([at for at, _, _ in labels])
    axes.set_yticklabels([text for _, text, _ in labels], fontsize=6.5)
    for tick, (_, _, isTitle) in zip(axes.get_yticklabels(), labels):
        if isTitle:
            tick.set_fontweight("bold")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("distance from the prediction, in units of the tolerance")
    axes.annotate("theory holds", (0, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=8, color=PREDICTED)
    for side in (-2, 2):
        axes.annotate("it breaks", (side, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=8, color=QUIET)
    save(figure, *paths)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--verdicts", nargs="+", required=True, help="the verdicts of each pipeline")
    parser.add_argument("--table", required=True, help="the .csv to write: a row for each claim")
    parser.add_argument("--summary", required=True, help="the .json to write: how many claims there are, by verdict")
    parser.add_argument("--figures", nargs="+", required=True, help="the .svg and .png to write")
    arguments = parser.parse_args()

    groups = {}
    for path in arguments.verdicts:
        for claim in read_json(path):
            groups.setdefault(claim["pipeline"], []).append(claim)
    claims = [claim for group in groups.values() for claim in group]
    with open(arguments.table, "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["pipeline", "claim", "predicted", "measured", "low", "high", "n", "tolerance", "verdict", "expected", "says"])
        for claim in claims:
            low, high = claim["interval"] or (None, None)
            table.writerow(
                [claim["pipeline"], claim["name"], claim["predicted"], claim["measured"], low, high, claim["n"]]
                + [claim["tolerance"], claim["verdict"], claim["expected"], claim["says"]]
            )
    write_json(
        arguments.summary,
        {
            "pipelines": len(groups),
            "claims": len(claims),
            "as_expected": sum(claim["as_expected"] for claim in claims),
            "expected_to_break": sum(claim["expected"] == "breaks" for claim in claims),
        },
    )
    draw(groups, arguments.figures)


if __name__ == "__main__":
    main()
