"""look.py HOW FILE [MORE]: reads or finds a file in one of the ways in which a Python program can."""
import ctypes
import glob
import importlib
import mmap
import multiprocessing
import os
import pathlib
import runpy
import shutil
import subprocess
import sys
import threading
import zipfile

path = sys.argv[2]
temporary = os.environ["TMPDIR"]
folder, name = os.path.split(path)


def show(place):
    with open(place, "rb") as file:
        sys.stdout.write(file.read().decode())
        sys.stdout.flush()


def attempt(action):
    try:
        action()
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as problem:
        print(problem.strerror)


def by_dir_fd():
    with os.fdopen(os.open(name, os.O_RDONLY, dir_fd=os.open(folder, os.O_PATH))) as file:
        print(file.read())


def by_mmap():
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        print(text[:])


def by_import():
    sys.path.insert(0, folder)
    print(importlib.import_module(name.removesuffix(".py")).VALUE)


def by_zip_import():
    sys.path.insert(0, path)
    print(importlib.import_module("inside").VALUE)


def by_ctypes():
    print(ctypes.CDLL("./" + path).answer())


def by_thread():
    thread = threading.Thread(target=show, args=(path,))
    thread.start()
    thread.join()


def by_process(method):
    process = multiprocessing.get_context(method).Process(target=show, args=(path,))
    process.start()
    process.join()
    sys.exit(process.exitcode)


def by_link():
    os.symlink(os.path.abspath(path), temporary + "/python-link")
    show(temporary + "/python-link")


def by_chdir():
    os.chdir(folder)
    show(name)


def by_asking():
    if os.path.exists(path):
        show(path)
    else:
        print("not there")


def by_trying():
    try:
        show(path)
    except FileNotFoundError:
        print("not there")


ways = {
    "open": lambda: show(path),
    "dir-fd": by_dir_fd,
    "mmap": by_mmap,
    "pathlib": lambda: print(pathlib.Path(path).read_text()),
    "stat": lambda: print(os.stat(path).st_size),
    "isfile": lambda: sys.exit(0 if os.path.isfile(path) else 1),
    "access": lambda: sys.exit(0 if os.access(path, os.R_OK) else 1),
    "readlink": lambda: print(os.readlink(path)),
    "realpath": lambda: show(os.path.realpath(path, strict=True)),
    "listdir": lambda: print(sorted(os.listdir(path))),
    "scandir": lambda: print(sorted(entry.name for entry in os.scandir(path) if entry.is_file())),
    "walk": lambda: print(sorted(os.walk(path))),
    "glob": lambda: print(sorted(glob.glob(path + "/*.txt"))),
    "import": by_import,
    "zip-import": by_zip_import,
    "runpy": lambda: runpy.run_path(path),
    "exec": lambda: os.execv("/usr/bin/python3", ["python3", path]),
    "subprocess": lambda: subprocess.run(["cat", path], check=True),
    "shell": lambda: subprocess.run("cat < " + path, shell=True, check=True),
    "ctypes": by_ctypes,
    "copy": lambda: (shutil.copyfile(path, temporary + "/python-copy"), show(temporary + "/python-copy")),
    "copytree": lambda: shutil.copytree(path, temporary + "/python-tree"),
    "sendfile": lambda: os.sendfile(os.open(temporary + "/sent", os.O_RDWR | os.O_CREAT), os.open(path, os.O_RDONLY), 0, 99),
    "zipfile": lambda: print(zipfile.ZipFile(path).namelist()),
    "thread": by_thread,
    "fork": lambda: by_process("fork"),
    "link": by_link,
    "chdir": by_chdir,
    "self-cwd": lambda: show("/proc/self/cwd/" + path),
    "dev-fd": lambda: show("/dev/fd/%d" % os.open(path, os.O_PATH)),
    "ask": by_asking,
    "try": by_trying,
    "getxattr": lambda: attempt(lambda: os.getxattr(path, "user.nothing")),
    "statvfs": lambda: attempt(lambda: os.statvfs(path)),
    "rename": lambda: attempt(lambda: os.rename(path, sys.argv[3])),
    "hard-link": lambda: attempt(lambda: os.link(path, sys.argv[3])),
    "truncate": lambda: attempt(lambda: os.truncate(path, 1)),
    "ring": lambda: (print(ctypes.CDLL(None).syscall(425, 4, bytes(256))), show(path)),
    "unknown": lambda: (ctypes.CDLL(None).syscall(600), show(path)),
}
ways[sys.argv[1]]()
