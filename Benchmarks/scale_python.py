"""The peers that are written in Python, in a virtual environment of the benchmark's own.

The steps are handed to them as a file graph.json, and their build files are the shortest that a user could write for so
many steps: a loop, or a rule with a wildcard. The data is in a file of its own so that none of them takes a changed
command of one step for a change of all.
"""
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap

from scale_projects import JOBS, Project


class Tool(Project):
    programs = ""  # the folder of the virtual environment's programs, once it is there
    package = ""
    program = ""
    file, text = "", ""  # the build file

    @classmethod
    def version(cls):
        code = f"import importlib.metadata as m; print(m.version('{cls.program}'))"
        return subprocess.run([f"{cls.programs}/python", "-c", code], capture_output=True, text=True).stdout.strip()

    def prepare(self):
        self.environment["PATH"] = f"{self.programs}:{self.environment['PATH']}"
        self.write(self.file, textwrap.dedent(self.text))

    def describe(self):
        steps, graph = self.shape.steps, {}
        for index, step in enumerate(steps):
            graph[step.name] = {"command": self.shape.shell(index), "out": step.output, "sources": step.sources,
                                "after": [steps[below].name for below in step.after],
                                "needs": [*step.sources, *(steps[below].output for below in step.after)]}
        self.write("graph.json", json.dumps({"steps": graph, "tops": [steps[top].output for top in self.shape.tops]}))

    def silently(self, *command):
        subprocess.run([f"{self.programs}/{self.program}", *command], cwd=self.root, env=self.environment, check=True,
                       stdin=subprocess.DEVNULL, capture_output=True)


class Snakemake(Tool):
    name, package, program, file = "snakemake", "snakemake>=9,<10", "snakemake", "Snakefile"
    text = """\
        import json
        with open("graph.json") as file:
            graph = json.load(file)
        steps = graph["steps"]

        rule all:
            input: graph["tops"]

        rule step:
            input: lambda wildcards: steps[wildcards.name]["needs"]
            output: "out/{name}.txt"
            params: command=lambda wildcards: steps[wildcards.name]["command"]
            shell: "{params.command}"
        """

    def command(self):
        return ["snakemake", "--cores", str(JOBS), "--quiet", "all"]


class Doit(Tool):
    name, package, program, file = "doit", "doit", "doit", "dodo.py"
    text = """\
        import json
        from doit.tools import config_changed
        with open("graph.json") as file:
            steps = json.load(file)["steps"]

        def task_step():
            for name, step in steps.items():
                yield {"name": name, "actions": [step["command"]], "file_dep": step["needs"],
                       "targets": [step["out"]], "uptodate": [config_changed(step["command"])]}
        """

    def command(self):
        return ["doit", "-n", str(JOBS)]


class Pytask(Tool):
    name, package, program, file, parallel = "pytask", "pytask", "pytask", "task_steps.py", False
    text = """\
        import json, subprocess
        from pathlib import Path
        from typing import Annotated
        from pytask import Product, PythonNode, task
        with open("graph.json") as file:
            steps = json.load(file)["steps"]

        for name, step in steps.items():
            @task(id=name)
            def task_step(
                command: Annotated[str, PythonNode(name=name, value=step["command"], hash=True)],
                needs: list[Path] = [Path(path) for path in step["needs"]],
                out: Annotated[Path, Product] = Path(step["out"]),
            ) -> None:
                subprocess.run(command, shell=True, check=True)
        """

    def prepare(self):
        super().prepare()
        self.write("pyproject.toml", "[tool.pytask.ini_options]\n")

    def command(self):
        return ["pytask", "--verbose", "0"]


class Redun(Tool):
    name, package, program, file = "redun", "redun", "redun", "workflow.py"
    # main is not cached, or sources that changed would be taken as they were when it last ran.
    text = """\
        import json, subprocess
        from redun import File, task
        redun_namespace = "bench"

        @task()
        def step(command: str, out: str, needs: list) -> File:
            subprocess.run(command, shell=True, check=True)
            return File(out)

        @task(cache=False)
        def main() -> list:
            with open("graph.json") as file:
                graph = json.load(file)
            made = {}
            for name, it in graph["steps"].items():
                needs = [File(path) for path in it["sources"]] + [made[below] for below in it["after"]]
                made[name] = step(it["command"], it["out"], needs)
            return list(made.values())
        """

    def prepare(self):
        super().prepare()
        os.makedirs(f"{self.root}/.redun")
        self.write(".redun/redun.ini", "[backend]\ndb_uri = sqlite:///redun.db\n\n[executors.default]\n"
                                       f"type = local\nmax_workers = {JOBS}\n")

    def command(self):
        return ["redun", "run", "workflow.py", "main"]


class DVC(Tool):
    name, package, program, keeps, parallel = "dvc", "dvc>=3,<4", "dvc", True, False

    def prepare(self):
        self.environment.update(PATH=f"{self.programs}:{self.environment['PATH']}", DVC_NO_ANALYTICS="1")
        self.silently("init", "--no-scm", "--quiet")
        self.silently("config", "core.check_update", "false")

    def describe(self):
        steps, stages = self.shape.steps, {}
        for index, step in enumerate(steps):
            stages[step.name] = {"cmd": self.shape.shell(index), "outs": [step.output],
                                 "deps": [*step.sources, *(steps[below].output for below in step.after)]}
        self.stages = stages
        self.write("dvc.yaml", json.dumps({"stages": stages}, indent=0))  # JSON is YAML

    def command(self):
        return ["dvc", "repro"]

    def ran(self, outcome, before, after):
        """From what it says: an output that is linked from the cache is new to the file system too."""
        return set(re.findall(r"^Running stage '([^']*)':", outcome.text, re.MULTILINE))

    def lay(self):
        """Puts down by hand what `dvc repro` would leave, from outputs that are there: dvc.lock, which it writes anew
        for every stage, in a time that grows with the square of their number, and its cache of outputs."""
        known, lock = {}, {}

        def entry(path):
            if path not in known:
                with open(f"{self.root}/{path}", "rb") as file:
                    content = file.read()
                known[path] = {"path": path, "hash": "md5", "md5": hashlib.md5(content).hexdigest(),
                               "size": len(content)}
            return known[path]

        for name, stage in self.stages.items():
            lock[name] = {"cmd": stage["cmd"], "deps": [entry(path) for path in sorted(stage["deps"])],
                          "outs": [entry(path) for path in stage["outs"]]}
            digest = entry(stage["outs"][0])["md5"]
            place = f"{self.root}/.dvc/cache/files/md5/{digest[:2]}"
            os.makedirs(place, exist_ok=True)
            shutil.copyfile(f"{self.root}/{stage['outs'][0]}", f"{place}/{digest[2:]}")
        self.write("dvc.lock", json.dumps({"schema": "2.0", "stages": lock}, indent=0))


TOOLS = {tool.name: tool for tool in (Snakemake, DVC, Doit, Pytask, Redun)}


def installed(tool, install, folder):
    """None when the tool is in the virtual environment in this folder, else why it is not."""
    Tool.programs = f"{folder}/bin"
    if os.path.exists(f"{folder}/bin/{tool.program}"):
        return None
    if not install:
        return "it is not installed, and --no-install was said"
    print(f"installing {tool.package} in {folder}", file=sys.stderr)
    # The system's interpreter: a shim first on PATH (pyenv, conda) may lack venv.
    python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
    make = [] if os.path.exists(f"{folder}/bin/pip") else [[python, "-m", "venv", folder]]
    for command in (*make, [f"{folder}/bin/pip", "install", "--quiet", "--disable-pip-version-check", tool.package]):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            return "it cannot be installed: " + " ".join((done.stderr or done.stdout).strip().splitlines()[-1:])
    return None
