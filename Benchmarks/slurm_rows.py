"""What a step costs on workers of Slurm over a local run with as many slots; see Benchmarks/run."""
import contextlib
import os
import sqlite3
import statistics
import subprocess
import sys
import time

sys.path.append(f"{os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}/scripts")
import slurm_cluster

WORKERS, CPUS = 4, 2
SWEEP = """pipeline: bench
axes: {n: {range: 1..%d}}
steps:
  make:
    over: [n]
    run: truncate -s {n} {out.data}
    outputs: {data: data}
"""


def measured(rung: str, folder: str, steps: int, variables: dict[str, str], words: list[str]) -> tuple[float, float]:
    """The wall time of a cold run, and how long it took until its first step was started; seconds."""
    os.makedirs(f"{folder}/pipelines/bench")
    with open(f"{folder}/rung.yaml", "w") as file:
        file.write(f"slurm: {{workers: {WORKERS}, cpus: {CPUS}, memory: 2GB, time: 10m, idle: 5s}}\n" if variables else "")
    with open(f"{folder}/pipelines/bench/pipeline.yaml", "w") as file:
        file.write(SWEEP % steps)
    environment = {"PATH": "/usr/bin:/bin", "HOME": folder, **variables}
    begun, begin = time.time_ns(), time.perf_counter()
    outcome = subprocess.run([rung, "run", "--quiet", *words], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wall = time.perf_counter() - begin
    if outcome.returncode != 0:
        sys.exit(f"rung run {' '.join(words)} failed ({outcome.returncode}): {outcome.stderr}")
    with contextlib.closing(sqlite3.connect(f"file:{folder}/cache/index.sqlite?mode=ro", uri=True)) as index:
        count, first = index.execute("SELECT count(*), min(started) FROM record WHERE outcome = 'succeeded'").fetchone()
    if count != steps:
        sys.exit(f"{folder}: {count} steps have run, not {steps}")
    return wall, (first - begun) / 1e9


def rows(rung: str, temp: str, rounds: int, steps: int, row):
    print(f"\n{steps} trivial steps (truncate), cold: {WORKERS} workers of Slurm with {CPUS} processors each against --jobs "
          f"{WORKERS * CPUS}")
    reason = slurm_cluster.missing()
    if reason:
        print(f"  left out: {reason}")
        return
    os.chmod(temp, 0o755)
    here, there, waits, ratios, costs = [], [], [], [], []
    with slurm_cluster.Cluster(f"{temp}/cluster", nodes=2, cpus=WORKERS * CPUS) as cluster:
        # The first of each warms what is read and does not count.
        for number in range(rounds + 1):
            local, begin = measured(rung, f"{temp}/local{number}", steps, {}, ["--jobs", str(WORKERS * CPUS)])
            wall, first = measured(rung, f"{temp}/slurm{number}", steps, cluster.environment, ["--executor", "slurm"])
            cluster.clear()
            if number:
                wait = first - begin
                here.append(local)
                there.append(wall)
                waits.append(wait)
                ratios.append((wall - wait) / local)
                costs.append((wall - wait - local) / steps * 1e3)
    median = statistics.median
    row("a local run", f"{median(here):.2f} s", "", f"{median(here) / steps * 1e3:.2f} ms a step, {rounds} rounds")
    row("a run on workers", f"{median(there):.2f} s", "", f"{min(there):.2f} … {max(there):.2f}")
    row("until the first step, over the local run", f"{median(waits):.2f} s", "", "the allocation's latency")
    row("ratio without the latency", f"{median(ratios):.2f} ×", "aim: below 1.5 ×", f"{min(ratios):.2f} … {max(ratios):.2f}")
    row("overhead, a step", f"{median(costs):.2f} ms", "aim: below 20 ms", f"{min(costs):.2f} … {max(costs):.2f}")
