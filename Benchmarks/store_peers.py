"""What users would take instead of the store, on the same files in the same rounds: tar | zstd, restic, borg, DVC.

Each is installed here when it is missing and may be (restic and borg from Debian, as root; DVC from the package index
into a virtual environment); what cannot be installed is left out, with a sentence. Whole commands are timed.
"""
import os
import shutil
import subprocess
import time

from store_tools import bench, call, duration, median, on_disk, project, remove, rung, same, size, venv, warm


class Tool:
    """A store of one tool in a new folder. Sources are files or folders; `put` may be called again with a newer one."""
    asks = None  # what asks whether anything changed

    def __init__(self, where):
        self.where = where
        os.makedirs(where)
        self.environment = {**os.environ, "HOME": where, "LC_ALL": "C.UTF-8"}
        self.prepare()

    def call(self, *command, cwd=None):
        return call(list(command), env=self.environment, cwd=cwd or self.where)[0]

    def silently(self, *command):
        subprocess.run(command, check=True, cwd=self.where, env=self.environment, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def prepare(self):
        pass

    def offer(self, source):
        """Brings the source to where the tool will find it, under one name for all versions; not timed. A folder, which
        no tool writes to, is brought once for all."""
        self.work = f"{self.where}/work"
        if os.path.isdir(source):
            self.work = f"{os.path.dirname(self.where)}/work"
        if not os.path.isdir(source) or not os.path.exists(self.work):
            os.makedirs(self.work, exist_ok=True)
            subprocess.run(["cp", "-r", source, f"{self.work}/data"], check=True)
        warm(f"{self.work}/data")

    def check(self):
        return None

    def size(self):
        return on_disk(f"{self.where}/store")


class Rung(Tool):
    name = "rung"
    asks = "rung run"

    def prepare(self):
        self.digests = []

    def put(self):
        place, cache = f"{self.work}/data", f"{self.where}/store"
        if os.path.isdir(place):
            done = bench("put-tree", cache, place)
        elif self.digests:
            done = bench("second", cache, place, self.digests[-1])
        else:
            done = bench("put", cache, place)
        self.digests.append(done["digest"])
        return done["wall"]

    def get(self, target):
        what = "get-tree" if os.path.isdir(f"{self.work}/data") else "get"
        return bench(what, f"{self.where}/store", self.digests[-1], f"{target}/data")["wall"]


class Tar(Tool):
    name = "tar | zstd -T2 -3"

    def prepare(self):
        os.makedirs(f"{self.where}/store")

    def put(self):
        number = len(os.listdir(f"{self.where}/store"))
        return self.call("sh", "-c", f"tar -C '{self.work}' -cf - data | zstd -q -T2 -3 -o store/{number}.tar.zst")

    def get(self, target):
        number = len(os.listdir(f"{self.where}/store")) - 1
        return self.call("sh", "-c", f'zstd -qdc store/{number}.tar.zst | tar -C "{target}" -xf -')


class Restic(Tool):
    name = "restic"
    asks = "restic backup"

    def prepare(self):
        self.environment.setdefault("RESTIC_PASSWORD", "benchmark")
        self.environment.update(RESTIC_REPOSITORY=f"{self.where}/store", RESTIC_CACHE_DIR=f"{self.where}/cache")
        self.silently("restic", "init")

    def put(self):
        return self.call("restic", "--quiet", "backup", "data", cwd=self.work)

    def get(self, target):
        return self.call("restic", "--quiet", "restore", "latest", "--target", target)

    def check(self):
        return self.put()


class Borg(Tool):
    name = "borg (zstd,3)"
    asks = "borg create"

    def prepare(self):
        self.environment.update(BORG_REPO=f"{self.where}/store", BORG_BASE_DIR=f"{self.where}/base",
                                BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK="yes")
        self.silently("borg", "init", "--encryption=none")
        self.count = 0

    def offer(self, source):
        super().offer(source)
        # Borg remembers only files older than the newest of an archive, as they are where people work.
        time.sleep(2.1)
        with open(f"{self.work}/newest", "w"):
            pass

    def put(self):
        self.count += 1
        return self.call("borg", "create", "--compression", "zstd,3", f"::{self.count}", "data", "newest",
                         cwd=self.work)

    def get(self, target):
        return self.call("borg", "extract", f"::{self.count}", cwd=target)

    def check(self):
        return self.put()


class DVC(Tool):
    name = "dvc"
    asks = "dvc status"
    program = ""

    def prepare(self):
        self.environment["DVC_NO_ANALYTICS"] = "1"
        self.silently(self.program, "init", "--no-scm")
        self.silently(self.program, "config", "core.check_update", "false")

    def offer(self, source):
        # The workspace is DVC's own: a file that it tracks there is replaced.
        place = f"{self.where}/data"
        if os.path.exists(place):
            os.remove(place)
        subprocess.run(["cp", "-r", source, place], check=True)
        warm(place)

    def put(self):
        return self.call(self.program, "add", "--quiet", "data")

    def get(self, target):
        place = f"{self.where}/data"
        os.rename(place, f"{self.where}/old")
        seconds = self.call(self.program, "checkout", "--quiet")
        os.rename(place, f"{target}/data")
        os.rename(f"{self.where}/old", place)
        return seconds

    def check(self):
        return self.call(self.program, "status", "--quiet")

    def size(self):
        return on_disk(f"{self.where}/.dvc/cache")


def installed():
    """The tools that are there, or could be made to be."""
    tools = [Rung, Tar]
    for tool, command, package in ((Restic, "restic", "restic"), (Borg, "borg", "borgbackup")):
        if shutil.which(command) is None and os.geteuid() == 0 and shutil.which("apt-get"):
            print(f"installing {package}")
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            for words in (["update"], ["install", "-y", "--no-install-recommends", package]):
                subprocess.run(["apt-get", "-qq", *words], env=environment, stdin=subprocess.DEVNULL,
                               capture_output=True)
        if shutil.which(command):
            tools.append(tool)
        else:
            print(f"{command} is left out: it is not there and could not be installed (Debian's package {package})")
    folder = venv("dvc", "dvc")
    if folder:
        DVC.program = f"{folder}/dvc"
        tools.append(DVC)
    else:
        print("dvc is left out")
    return tools


def compare(table, where, data, rounds):
    """Prints a table for each data set, and what it says about Rung."""
    tools = installed()
    sets = [("float32 weights", ["weights"]), ("text and CSV", ["text"]), ("a folder of small files", ["tree"]),
            ("the second version of a checkpoint", ["model-1.safetensors", "model-2.safetensors"])]
    for title, names in sets:
        table.title(f"{title}: put, get, unchanged check, size")
        results = {tool: {"put": [], "get": [], "check": [], "size": []} for tool in tools}
        upto = project(f"{where}/peers/project", f"{data}/{names[-1]}")
        for number in range(rounds):
            for place, tool in enumerate(tools):
                here = f"{where}/peers/{number}-{place}"
                measure(tool, results[tool], here, data, names, number)
                # Small files stay until the end: ext4 is slow to make files for some seconds after many were removed.
                if names != ["tree"]:
                    remove(here)
            results[Rung]["check"].append(rung(upto, "run", "--quiet")[0])
        remove(f"{where}/peers")
        print(f"         {'':<20} {'put':>10} {'get':>10} {'unchanged':>10} {'size':>10}")
        for tool in tools:
            put, get, check, stored = (median(values) if values else None for values in results[tool].values())
            shown = duration(check) if check is not None else "–"
            print(f"         {tool.name:<20} {duration(put):>10} {duration(get):>10} {shown:>10} {size(stored):>10}")
            table.rows.append({"row": f"{title}: {tool.name}", "put": put, "get": get, "check": check, "size": stored})
        judge(table, title, tools, results)


def measure(tool, result, here, data, names, number):
    """One round of one tool, in a new folder."""
    store = tool(here)
    for name in names[:-1]:
        store.offer(f"{data}/{name}")
        store.put()
    before = store.size() if len(names) > 1 else 0
    store.offer(f"{data}/{names[-1]}")
    result["put"].append(store.put())
    result["size"].append(store.size() - before)
    check = store.check()
    if check is not None:
        result["check"].append(check)
    os.makedirs(f"{here}/target")
    result["get"].append(store.get(f"{here}/target"))
    if number == 0:
        same(f"{data}/{names[-1]}", f"{here}/target/data")


def judge(table, title, tools, results):
    """Faster than each of restic, borg and DVC, and no larger than the smallest."""
    rivals = [tool for tool in tools if tool in (Restic, Borg, DVC)]
    if not rivals:
        return
    for what, name in (("put", "put"), ("get", "get"), ("check", "unchanged check")):
        best = min(rivals, key=lambda tool: median(results[tool][what]))
        factors = [rival / own for rival, own in zip(results[best][what], results[Rung][what])]
        table.judge(f"{name}, of the three", f"{median(factors):.2f} ×", f"as fast as {best.name}", "above 1 ×",
                    median(factors) > 1)
    smallest = min(rivals, key=lambda tool: median(results[tool]["size"]))
    ratio = median(results[Rung]["size"]) / median(results[smallest]["size"])
    table.judge("size, of the three", f"{ratio:.3f} ×", f"that of {smallest.name}", "at most 1 ×", ratio <= 1)
