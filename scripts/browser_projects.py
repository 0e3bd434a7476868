"""The projects that the browser test looks at: a small one with everything in it, hostile texts too, and a large sweep."""
import os
import subprocess

BAD = "<img src=x onerror=window.broken=1>"

SMALL = r"""
pipeline: fall
about: |
  How long does a body fall? **Measured** with a spread, against `sqrt(2 h / g)`.

  - every height, several seeds
  - <script>window.broken = 1</script> [a link](javascript:window.broken=1) [another](https://example.org)
parameters: {gravity: 10, word: "BAD"}
axes:
  height: [1, 2, 5, 10, 20, 50, 100, 200]
  wind: [calm, "<b>breeze", storm]
  seed: {replicates: 5}
steps:
  drop:
    kind: measure
    over: [height, wind, seed]
    run: |
      printf '\033[31m%s\033[0m </pre><script>window.broken=1</script>\n' {word}
      sh {code} {height} {wind} {seed} > {out.time}
    inputs: {code: drop.sh}
    outputs: {time: time.json}
  theory:
    kind: theory
    over: [height]
    run: |
      awk 'BEGIN { printf "{\"time\": %.6f}", sqrt(2 * '{height}' / '{gravity}') }' > {out.time}
    outputs: {time: time.json}
  fragile:
    over: [seed]
    run: |
      test {seed} -ne 3
      echo '{"ok": 1}' > {out.ok}
    outputs: {ok: ok.json}
  draw:
    kind: analysis
    run: |
      cat {drop.time} {theory.time} > /dev/null
      cat {picture} > {out.picture}
    inputs: {picture: picture.svg}
    outputs: {picture: {path: fall.svg, publish: figures/fall.svg}}
claims:
  law:
    says: The time of a fall is the square root of twice the height over g. BAD
    measured: drop.time#/time
    predicted: theory.time#/time
    over: [height]
    where: wind = calm
    within: {relative: 0.2}
  linear:
    says: It is not proportional to the height.
    measured: {exponent: drop.time#/time, along: height}
    predicted: 1
    where: wind = calm
    within: {absolute: 0.3}
    expect: breaks
  wrong:
    says: Wind has no part in it.
    measured: drop.time#/gust
    at_most: 0.5
    over: [height, wind]
"""

SCRIPT = r"""#!/bin/sh
# A fall: the square root, a spread by the seed, and what the wind adds.  <script>window.broken=1</script>
case $2 in calm) gust=0;; storm) gust=1;; *) gust=0.3;; esac
awk -v h="$1" -v s="$3" -v w="$gust" 'BEGIN {
  t = sqrt(2 * h / 10) * (1 + (s - 2) / 50) * (1 + w / 20)
  printf "{\"time\": %.6f, \"gust\": %.3f, \"speed\": {\"last\": %.5f}, \"<b>\": %d}", t, w, 10 * t, h * 1000
}'
"""

PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 270" onload="window.broken=1">
<script>window.broken = 1; window.parent.broken = 1</script>
<rect width="480" height="270" fill="#fff"/><path d="M50 20V230H460" fill="none" stroke="#333"/>
<path d="M50 230C90 130 200 70 450 40" fill="none" stroke="#2b6ca3" stroke-width="3"/>
<text x="255" y="258" font-family="serif" font-size="15" text-anchor="middle">height</text>
<image href="http://example.org/tracker.png" width="10" height="10"/></svg>
"""

SWEEP = r"""
pipeline: sweep
about: Ten thousand instances of a **small** measurement, with their summary.
axes:
  width: 1..100
  depth: 1..10
  seed: {replicates: 10}
steps:
  measure:
    kind: measure
    over: [width, depth, seed]
    watch: declared
    run: |
      echo '{"loss": '$(( ({width} * {depth} * 7919 + {seed} * 104729) % 1000 + {width} ))'.5, "time": '$(( {width} * {depth} ))', "gap": 0.'$(( 1000 + {seed} * 37 + {width} ))'}' > {out.metrics}
    outputs: {metrics: metrics.json}
  figure:
    kind: analysis
    watch: declared
    run: |
      test -s {measure.metrics}
      printf '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 200"><circle cx="150" cy="100" r="60"/></svg>' > {out.picture}
    outputs: {picture: {path: sweep.svg, publish: sweep.svg}}
"""


def write(root, files):
    for path, text in files.items():
        os.makedirs(os.path.dirname(f"{root}/{path}"), exist_ok=True)
        with open(f"{root}/{path}", "w") as file:
            file.write(text)


def rung(root, *arguments, codes=(0,)):
    """What the command prints in a project; its home is the project's, so that nothing of the user's counts."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": root, "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    done = subprocess.run([os.environ["RUNG_BINARY"], *arguments], cwd=root, env=environment, capture_output=True, text=True)
    if done.returncode not in codes:
        raise SystemExit(f"rung {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def small(root):
    """The small project, with two runs, a failed step and a verification. It is run anew only where it has changed."""
    text = SMALL.replace("BAD", BAD)
    write(root, {"pipelines/fall/pipeline.yaml": text, "pipelines/fall/drop.sh": SCRIPT, "pipelines/fall/picture.svg": PICTURE})
    rung(root, "run", "-q", "--keep-going", codes=(0, 1))
    rung(root, "run", "-q", "fall/theory", "--force")
    rung(root, "verify", "fall/draw", "--rerun", codes=(0, 1))


def sweep(root):
    """The sweep; its first run takes some minutes."""
    write(root, {"pipelines/sweep/pipeline.yaml": SWEEP})
    rung(root, "run", "-q")
