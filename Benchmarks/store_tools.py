"""What Benchmarks/store measures with: commands that are timed, files that are warm, the programs that it needs."""
import json
import mmap
import os
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.dirname(HERE), ".build")
RUNG = os.environ.get("RUNG_BINARY", os.path.join(BUILD, "release", "rung"))
BENCH = os.environ.get("RUNG_STORE_BENCH", os.path.join(BUILD, "release", "rung-store-bench"))
# Virtual environments of the benchmark's own; kept, so that only the first run needs a package index.
VENVS = os.path.join(BUILD, "bench-tools")
MIB = 1 << 20

median = statistics.median


def call(command, **options):
    """Wall seconds, processor seconds and peak resident bytes of one command, its children counted in."""
    os.sync()  # What others left to be written is not to be written in our time.
    start = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               **options)
    errors = process.stderr.read()
    process.stderr.close()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if status != 0:
        sys.exit(f"{command} failed ({process.returncode}):\n{errors.decode(errors='replace')}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10


def bench(*words):
    """What one call of rung-store-bench measured; `wall` is the time of the whole process."""
    os.sync()
    heat()
    start = time.perf_counter()
    done = subprocess.run([BENCH, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    wall = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"rung-store-bench {' '.join(map(str, words))} failed ({done.returncode}):\n{done.stderr}")
    return {**json.loads(done.stdout), "wall": wall}


# Memory that one measured call can take, at most.
MOST = {"memory": 3 << 30}


def heat():
    """Has a virtual machine's host give it the memory that the next call will take.

    A guest that tells its host of free pages has to fetch each one again, at some 2 ns a byte: five times what writing
    a byte costs, and it met whichever call came first after a pause.
    """
    with open("/proc/meminfo") as f:
        available = next(int(line.split()[1]) << 10 for line in f if line.startswith("MemAvailable"))
    length = min(MOST["memory"], available // 2)
    mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()


def warm(path):
    """Reads what will be read, so that the disk's speed does not count."""
    if os.path.isdir(path):
        subprocess.run(["sh", "-c", 'find "$1" -type f -print0 | xargs -0 cat > /dev/null', "sh", path], check=True)
    else:
        subprocess.run(["sh", "-c", 'cat "$1" > /dev/null', "sh", path], check=True)


def on_disk(path):
    """Bytes that a file or a folder takes up on the disk."""
    if not os.path.isdir(path):
        return os.lstat(path).st_blocks * 512
    os.sync()  # ext4 decides late where bytes will lie.
    return sum(os.lstat(os.path.join(folder, name)).st_blocks * 512
               for folder, folders, files in os.walk(path) for name in files + folders)


def remove(folder):
    """Removes a folder of any size, by many at once: where the disk is told of each freed block (the mount option
    discard), one file after the other would take a millisecond each."""
    script = 'find "$1" -depth -mindepth 1 -type d -print0 | xargs -0 -n 4 -P 16 rm -rf; rm -rf "$1"'
    subprocess.run(["sh", "-c", script, "sh", folder], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def same(a, b):
    """Ends the benchmark when two files or folders differ: a fast wrong answer is none."""
    if subprocess.run(["diff", "-rq", a, b], capture_output=True).returncode != 0:
        sys.exit(f"{a} and {b} differ: what came out of the store is not what went in")


def form(cache, digest):
    """How an object is stored, as its file's name says (zst, raw, p4.zst, list; pack where it has no file), and how
    long that file is."""
    folder, rest = f"{cache}/objects/{digest[:2]}", digest[2:]
    names = os.listdir(folder) if os.path.isdir(folder) else []
    for name in names:
        if name.startswith(rest):
            return name[len(rest) + 1:], os.lstat(f"{folder}/{name}").st_size
    return "pack", 0


def way(source, form, length):
    """How the store compressed a file, as rung-store-bench's limits take it. The level is found by trying: no frame
    tells it, and frames of one level and one libzstd have one length."""
    planes = form[:2] if form[:2] in ("p2", "p4", "p8") else ""
    for level in (1, 2, 3, 4, 5, 6, 7, 9, 12):
        packed = bench("zstd", source, f"{level}{planes}")["packed"]
        if abs(packed / length - 1) < 0.001:
            return f"{level}{planes}"
        if packed < length * 0.98:
            break
    # Not in frames as the limit's: the level of format 1, which made one frame of everything.
    return f"3{planes}"


def venv(name, *packages):
    """The bin folder of a virtual environment with these packages, made when it is missing; None where that fails."""
    folder = os.path.join(VENVS, name)
    if not os.path.exists(f"{folder}/complete"):
        # The system's interpreter: a shim first on PATH (pyenv, conda) may lack venv.
        python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
        shutil.rmtree(folder, ignore_errors=True)
        print(f"installing {', '.join(packages)} in {folder}")
        for command in ([python, "-m", "venv", folder],
                        [f"{folder}/bin/pip", "install", "--quiet", "--disable-pip-version-check", *packages]):
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode != 0:
                reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
                print(f"{', '.join(packages)} cannot be installed: {' '.join(reason)}")
                return None
        with open(f"{folder}/complete", "w"):
            pass
    return f"{folder}/bin"


def timed_sync(folder):
    start = time.perf_counter()
    subprocess.run(["sync", "-f", folder], check=True)
    return time.perf_counter() - start


PIPELINE = """pipeline: bench
steps:
  read:
    run: touch {out.done}
    inputs: [data]
    outputs: {done: done}
"""


def project(where, source):
    """A project whose one step has read `source`, a file or a folder; everything is up to date."""
    os.makedirs(f"{where}/pipelines/bench")
    with open(f"{where}/rung.yaml", "w") as f:
        f.write(f"jobs: {len(os.sched_getaffinity(0))}\n")
    with open(f"{where}/pipelines/bench/pipeline.yaml", "w") as f:
        f.write(PIPELINE)
    subprocess.run(["cp", "-r", source, f"{where}/pipelines/bench/data"], check=True)
    # The second finds all files older than the grain of the clock, and remembers them.
    for wait in ("0", "2.1"):
        subprocess.run(["sleep", wait], check=True)
        rung(where, "run", "--quiet")
    return where


def rung(where, *words):
    return call([RUNG, *words], cwd=where, env={"PATH": "/usr/bin:/bin", "HOME": where})


def size(count):
    """Bytes for people."""
    for unit in ("B", "KiB", "MiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.2f} GiB"


def duration(seconds):
    """Seconds for people."""
    return f"{seconds * 1e3:.2f} ms" if seconds < 0.1 else f"{seconds:.2f} s"
