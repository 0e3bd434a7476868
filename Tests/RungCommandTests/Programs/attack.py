"""Tries what a step must not be able to do, and prints a JSON object: what was tried, and what came of it.

attack.py PROJECT CACHE HOME MARKER PORT
"""

import ctypes
import errno
import json
import os
import socket
import subprocess
import sys

project, cache, home, marker, port = sys.argv[1:6]
precious = project + "/precious.txt"
answers = {}


def attempt(name, action):
    try:
        answers[name] = action() or "done"
    except OSError as error:
        answers[name] = errno.errorcode.get(error.errno, str(error))


def overwrite(path):
    with open(path, "r+") as file:
        file.write("spoilt")


def create(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))


def through_link():
    os.symlink(precious, "mine")
    overwrite("mine")


def through_folder_link():
    os.symlink(project, "all")
    create("all/new.txt")


# ---- the project

attempt("relative", lambda: overwrite("precious.txt"))
attempt("relative, a new file", lambda: create("pipelines/new.txt"))
attempt("absolute", lambda: overwrite(precious))
attempt("absolute, a new file", lambda: create(project + "/new.txt"))
attempt("through a link", through_link)
attempt("through a link to the folder", through_folder_link)
attempt("through a link of the project", lambda: overwrite("link.txt"))
attempt("through /proc/self/root", lambda: overwrite("/proc/self/root" + precious))
attempt("through /proc/1/root", lambda: overwrite("/proc/1/root" + precious))
attempt("rename", lambda: os.rename(precious, project + "/gone.txt"))
attempt("rename, relative", lambda: os.rename("precious.txt", "gone.txt"))
attempt("replace", lambda: (create("other.txt"), os.replace("other.txt", precious))[2:])
attempt("unlink", lambda: os.unlink(precious))
attempt("unlink, relative", lambda: os.unlink("precious.txt"))
attempt("rmdir", lambda: os.rmdir(project + "/empty"))
attempt("mkdir", lambda: os.mkdir(project + "/folder"))
attempt("chmod", lambda: os.chmod(precious, 0o777))
attempt("chmod, relative", lambda: os.chmod("precious.txt", 0o777))
attempt("chown", lambda: os.chown(precious, os.getuid(), os.getgid()))
attempt("utime", lambda: os.utime(precious, (1, 1)))
attempt("truncate", lambda: os.truncate(precious, 0))
attempt("truncate, relative", lambda: os.truncate("precious.txt", 0))
attempt("hard link", lambda: os.link(precious, "hard.txt"))
attempt("symbolic link", lambda: os.symlink("precious.txt", project + "/soft.txt"))
attempt("attribute", lambda: os.setxattr(precious, "user.rung", b"1"))
attempt("a pipe", lambda: os.mkfifo(project + "/pipe"))

# ---- everything else that is there

attempt("cache", lambda: "seen" if os.listdir(cache) else "empty")
attempt("cache, a new file", lambda: create(cache + "/new.txt"))
attempt("cache, relative", lambda: "seen" if os.path.exists("cache") and os.listdir("cache") else "hidden")
attempt("home of the user", lambda: create(home + "/.rung-attack"))
for path in ["/etc/rung-attack", "/usr/rung-attack", "/usr/bin/rung-attack", "/var/tmp/rung-attack", "/rung-attack",
             "/dev/rung-attack", "/run/rung-attack", "/var/rung-attack", "/opt/rung-attack"]:
    attempt(path, lambda: create(path))
attempt("/etc/passwd", lambda: overwrite("/etc/passwd") if os.getuid() else os.close(os.open("/etc/passwd", os.O_RDWR)))
for path in ["/proc/sys/kernel/printk", "/proc/sys/kernel/core_pattern", "/proc/sys/net/ipv4/ip_forward",
             "/proc/sysrq-trigger", "/sys/kernel/profiling", "/sys/kernel/mm/transparent_hugepage/enabled",
             "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/cgroup.procs"]:
    if os.path.exists(path):
        attempt(path, lambda: os.close(os.open(path, os.O_WRONLY)))

# ---- the view itself

libc = ctypes.CDLL(None, use_errno=True)


def mount(*arguments):
    if libc.mount(*arguments) != 0:
        raise OSError(ctypes.get_errno(), "mount")


def command(*words):
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return "done" if done.returncode == 0 else "failed"


REMOUNT_WRITABLE = 32 | 4096
attempt("remount", lambda: mount(None, b"/", None, REMOUNT_WRITABLE, None))
attempt("remount the project", lambda: mount(None, project.encode(), None, REMOUNT_WRITABLE, None))
attempt("remount by command", lambda: command("mount", "-o", "remount,rw", "/"))
attempt("unmount", lambda: command("umount", cache))
attempt("unmount by call", lambda: libc.umount2(cache.encode(), 2) and os.strerror(0) and "failed")
attempt("chroot", lambda: os.chroot("/"))
# Whoever makes itself root of a namespace of its own has all rights there, but none over what is locked.
script = """
mount -o remount,bind,rw / && echo / >> $1
mount -o remount,bind,rw "$2" && echo project >> $1
mount --bind "$2" /mnt && : > /mnt/new.txt && echo bind >> $1
umount "$3" && echo cache >> $1
umount -l "$2" && echo project unmounted >> $1
: > "$2/new.txt" && echo written >> $1
true
"""
answers["in a namespace of its own"] = command("unshare", "-Urm", "sh", "-c", script, "sh", "got", project, cache)
answers["got in it"] = open("got").read() if os.path.exists("got") else ""

# ---- other processes


def words_of(process):
    try:
        with open(f"/proc/{process}/cmdline") as file:
            return file.read().replace("\0", " ")
    except OSError:
        return ""


processes = [name for name in os.listdir("/proc") if name.isdigit()]
strangers = [words for words in map(words_of, processes) if words and "attack.py" not in words and "rung-step" not in words]
answers["strangers"] = strangers
answers["processes"] = len(processes)
for trace in [lambda: libc.ptrace(16, 1, 0, 0)]:
    attempt("attach to the watcher", lambda: "failed" if trace() != 0 else "done")
attempt("memory of the watcher", lambda: os.close(os.open("/proc/1/mem", os.O_RDWR)))
attempt("descriptors of the watcher", lambda: os.close(os.open("/proc/1/fd/0", os.O_RDONLY)))

# One is left behind that has nothing to do with this process any more.
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sh", ["sh", "-c", "sleep 1000; :", marker])
    os._exit(0)
os.wait()

# ---- the network


def reach(family, address):
    with socket.socket(family) as channel:
        channel.settimeout(10)
        channel.connect(address)
        return "reached"


attempt("tcp", lambda: reach(socket.AF_INET, ("127.0.0.1", int(port))))
attempt("abstract", lambda: reach(socket.AF_UNIX, "\0" + marker))
attempt("a socket beside the project", lambda: reach(socket.AF_UNIX, project + "/../socket"))
attempt("a socket in the project", lambda: reach(socket.AF_UNIX, project + "/socket"))
attempt("a socket in the workspace", lambda: reach(socket.AF_UNIX, "socket"))


def own_loopback():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname(), timeout=10) as client:
            accepted, _ = server.accept()
            with accepted:
                client.sendall(b"hello")
                return accepted.recv(5).decode()


attempt("own loopback", own_loopback)

# ---- what it is given

answers["home"] = [] if os.environ["HOME"] == home else os.listdir(os.environ["HOME"])
answers["umask"] = f"{os.umask(0o022):03o}"
descriptors = []
for number in range(256):
    try:
        os.fstat(number)
        descriptors.append(number)
    except OSError:
        pass
answers["descriptors"] = descriptors
answers["devices"] = sorted(os.listdir("/dev"))
answers["variables"] = {name: os.environ.get(name) for name in ["TZ", "LANG", "SOURCE_DATE_EPOCH", "USER", "TMPDIR"]}

json.dump(answers, sys.stdout, indent=1)
