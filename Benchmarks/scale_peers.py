"""What users would take instead of Rung, on the same steps: GNU make, Ninja and tup; the Python tools are in
scale_python.py. Each is installed here when it is missing and may be; what cannot be had is left out, with a sentence.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import scale_python
from scale_projects import JOBS, Project


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return (done.stdout or done.stderr).strip().splitlines()[0] if done.returncode == 0 else ""


class Make(Project):
    name = "make"

    @classmethod
    def version(cls):
        return re.sub(r"[^\d.]", "", first_line("make", "--version"))

    def describe(self):
        steps = self.shape.steps
        lines = [".PHONY: all", "all: " + " ".join(steps[top].output for top in self.shape.tops)]
        for index, step in enumerate(steps):
            needs = " ".join([*step.sources, *(steps[below].output for below in step.after)])
            lines += [f"{step.output}: {needs}", f"\t{self.shape.shell(index)}"]
        self.write("Makefile", "\n".join(lines) + "\n")

    def command(self):
        return ["make", "-r", f"-j{JOBS}"]  # -r: without built-in rules, which it would try for every source


class Ninja(Project):
    name = "ninja"

    @classmethod
    def version(cls):
        return first_line("ninja", "--version")

    def describe(self):
        steps = self.shape.steps
        lines = ["rule run", "  command = $run"]
        for index, step in enumerate(steps):
            needs = " ".join([*step.sources, *(steps[below].output for below in step.after)])
            lines += [f"build {step.output}: run {needs}", f"  run = {self.shape.shell(index)}"]
        self.write("build.ninja", "\n".join(lines) + "\n")

    def command(self):
        return ["ninja", f"-j{JOBS}"]


class Tup(Project):
    name = "tup"

    @classmethod
    def version(cls):
        return first_line("tup", "--version").removeprefix("tup ").split()[0]

    @classmethod
    def problem(cls):
        """Why it does not work here: it sees what commands read through a file system of its own (FUSE)."""
        if not shutil.which("fusermount3"):
            return "there is no fusermount3, which it unmounts its file system with (Debian's package fuse3)"
        with tempfile.TemporaryDirectory() as where:
            for command in (["tup", "init"], ["tup"]):
                with open(f"{where}/Tupfile", "w") as file:
                    file.write(": |> echo 1 > %o |> out.txt\n")
                done = subprocess.run(command, cwd=where, capture_output=True, text=True, stdin=subprocess.DEVNULL)
                if done.returncode != 0:
                    return (done.stderr.strip() or done.stdout.strip()).splitlines()[-1]
        return None

    def prepare(self):
        subprocess.run(["tup", "init"], cwd=self.root, check=True, capture_output=True)

    def settle(self):
        time.sleep(1.1)  # it compares times to the second, and would miss what changes within one

    def describe(self):
        steps, lines = self.shape.steps, []
        for index, step in enumerate(steps):
            needs = " ".join([*step.sources, *(steps[below].output for below in step.after)])
            lines.append(f": {needs} |> {self.shape.shell(index)} |> {step.output}")
        self.write("Tupfile", "\n".join(lines) + "\n")

    def command(self):
        return ["tup", f"-j{JOBS}"]


SYSTEM = {"make": (Make, ["make"]), "ninja": (Ninja, ["ninja-build"]), "tup": (Tup, ["tup", "fuse3"])}
NAMES = [*SYSTEM, *scale_python.TOOLS]


def apt(packages):
    """Whether Debian's packages could be installed."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(["apt-get", "-qq", *words], env=environment, stdin=subprocess.DEVNULL, capture_output=True)
    return done.returncode == 0


def available(names, install, folder):
    """The tools of these names that work here, and a sentence for each that does not."""
    tools, absent = [], {}
    for name in names:
        if name in SYSTEM:
            tool, packages = SYSTEM[name]
            if not (shutil.which(name) and (name != "tup" or shutil.which("fusermount3"))) and install:
                print(f"installing {', '.join(packages)}", file=sys.stderr)
                apt(packages)
            reason = None if shutil.which(name) else f"it is not there (Debian's package {packages[0]})"
            reason = reason or (tool.problem() if tool is Tup else None)
        else:
            tool = scale_python.TOOLS[name]
            reason = scale_python.installed(tool, install, folder)
        if reason:
            absent[name] = reason
        else:
            tools.append(tool)
    return tools, absent
