/// The files of `rung init`.
enum StarterProject {
  static let files: [(path: String, text: String)] = [
    ("rung.yaml", rungFile), (".gitignore", ignoreFile), ("pipelines/pi/pipeline.yaml", pipelineFile),
    ("pipelines/pi/throw.py", throwScript), ("pipelines/pi/figure.py", figureScript),
  ]

  private static let rungFile = """
    # Settings of this project: docs/formats/pipeline.md lists them all.
    cache: cache

    """

  private static let ignoreFile = """
    # Results that Rung keeps, and what `rung report` writes; everything in it can be made again.
    /cache/
    /report/

    """

  private static let pipelineFile = """
    pipeline: pi
    about: |
      How fast does a Monte Carlo estimate of π close in? Theory says that the error falls as
      sqrt(π (4 − π) / n) with the number n of points.

    axes:
      points: [10, 30, 100, 300, 1000, 3000, 10000]
      seed: {replicates: 8}

    steps:
      throw:
        kind: measure
        over: [points, seed]
        run: python3 {code} --points {points} --seed {seed} --out {out.estimate}
        inputs: {code: throw.py}
        outputs: {estimate: estimate.json}

      figure:
        kind: analysis
        run: python3 {code} --table {throw.estimate} --figure {out.figure} --summary {out.summary}
        inputs: {code: figure.py}
        outputs:
          figure: {path: pi.svg, publish: figures/pi.svg}
          summary: summary.json

    """

  private static let throwScript = """
    \"\"\"Estimate pi by throwing points into the unit square: four times the share within the quarter circle.\"\"\"
    import argparse, json, math, random

    p = argparse.ArgumentParser()
    p.add_argument("--points", type=int)
    p.add_argument("--seed", type=int)
    p.add_argument("--out")
    a = p.parse_args()

    rng = random.Random(f"pi/{a.points}/{a.seed}")
    inside = sum(rng.random() ** 2 + rng.random() ** 2 < 1 for _ in range(a.points))
    estimate = 4 * inside / a.points
    with open(a.out, "w") as f:
        json.dump({"estimate": estimate, "error": abs(estimate - math.pi)}, f)

    """

  private static let figureScript = """
    \"\"\"Draw the root mean square error against the number of points, with the theory sqrt(pi (4 - pi) / n).\"\"\"
    import argparse, csv, json, math
    from collections import defaultdict

    p = argparse.ArgumentParser()
    p.add_argument("--table")
    p.add_argument("--figure")
    p.add_argument("--summary")
    a = p.parse_args()

    # One row for each instance: points, seed, estimate, error.
    errors = defaultdict(list)
    with open(a.table, newline="") as f:
        for row in csv.DictReader(f):
            errors[int(row["points"])].append(float(row["error"]))
    measured = {n: math.sqrt(sum(e * e for e in es) / len(es)) for n, es in sorted(errors.items())}
    theory = {n: math.sqrt(math.pi * (4 - math.pi) / n) for n in measured}
    with open(a.summary, "w") as f:
        json.dump({"measured": measured, "theory": theory}, f, indent=1, sort_keys=True)

    def at(n, e):
        return 60 + 90 * math.log10(n / 10), 40 + 90 * math.log10(2 / max(e, 1e-4))

    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(n, e) for n, e in theory.items()))
    dots = "".join('<circle cx="%.1f" cy="%.1f" r="4" fill="#0072b2"/>' % at(n, e) for n, e in measured.items())
    ticks = "".join(
        f'<text x="{at(n, 1)[0]:.0f}" y="330" text-anchor="middle">{n}</text>' for n in (10, 100, 1000, 10000))
    ticks += "".join(
        f'<text x="50" y="{at(10, e)[1] + 4:.0f}" text-anchor="end">{e:g}</text>' for e in (1, 0.1, 0.01))
    with open(a.figure, "w") as f:
        f.write(f'''<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 380 370" font-family="sans-serif" font-size="12">
    <rect width="380" height="370" fill="white"/>
    <path d="M60 20V310H350" fill="none" stroke="black"/>
    <polyline points="{line}" fill="none" stroke="#d55e00" stroke-width="2"/>{dots}{ticks}
    <text x="205" y="355" text-anchor="middle">points n</text>
    <text x="16" y="165" text-anchor="middle" transform="rotate(-90 16 165)">root mean square error of the estimate of pi</text>
    <text x="230" y="60" fill="#d55e00">theory</text><text x="230" y="78" fill="#0072b2">measured</text>
    </svg>''')

    """
}
