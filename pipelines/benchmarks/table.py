"""The medians of what Benchmarks/scale measured: a CSV row for each tool, number of steps and scenario.

    tool, version, steps, scenario    as in the measurements
    rounds                            how many there are
    wall_s, least_s, most_s           the median, the fastest and the slowest
    cpu_s, peak_mb                    medians
    over_s                            of a cold run: the seconds a step over the bare loop, else empty
    ran, expected                     steps that ran and that had to; the round that is wrong, if one is
"""

import argparse
import csv
import json
import statistics

COLUMNS = ["tool", "version", "steps", "scenario", "rounds", "wall_s", "least_s", "most_s", "cpu_s", "peak_mb", "over_s",
           "ran", "expected"]
BARE = "bare loop"


def summarise(measurements):
    """The rows, in the order in which tools and sizes first appear. What was left out has no row."""
    groups = {}
    for it in measurements:
        if it["wall_s"] is not None:
            groups.setdefault((it["tool"], it["version"], it["steps"], it["scenario"]), []).append(it)
    bare = {steps: statistics.median(it["wall_s"] for it in group)
            for (tool, _, steps, scenario), group in groups.items() if (tool, scenario) == (BARE, "cold")}
    for (tool, version, steps, scenario), group in groups.items():
        walls = [it["wall_s"] for it in group]
        shown = next((it for it in group if it["ran"] != it["expected"]), group[-1])
        row = {"tool": tool, "version": version, "steps": steps, "scenario": scenario, "rounds": len(group),
               "wall_s": statistics.median(walls), "least_s": min(walls), "most_s": max(walls),
               "cpu_s": statistics.median(it["cpu_s"] for it in group),
               "peak_mb": statistics.median(it["peak_mb"] for it in group),
               "ran": shown["ran"], "expected": shown["expected"]}
        if scenario == "cold" and tool != BARE and steps in bare:
            row["over_s"] = round((row["wall_s"] - bare[steps]) / steps, 9)
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", required=True, help="the .json that Benchmarks/scale wrote")
    parser.add_argument("--out", required=True, help="the .csv to write")
    arguments = parser.parse_args()
    with open(arguments.rows) as file:
        measurements = json.load(file)
    with open(arguments.out, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(summarise(measurements))


if __name__ == "__main__":
    main()
