"""Times commands from a small process of its own.

The kernel counts what a process held before it became another program towards its peak. A benchmark that keeps a graph of
100,000 steps in memory and starts a command itself would so report its own size as the command's. Therefore this file,
started as a program, is a server with an empty memory: a request is a line of JSON on its standard input, the answer a
line on its standard output. What it reports as a peak is never below its own ten megabytes or so.
"""
import json
import os
import signal
import sys
import time


class Outcome:
    """What became of one command, or of several that ran at once."""

    def __init__(self, answer, texts):
        self.wall = answer["wall"]          # seconds from the start of the first to the end of the last
        self.cpu = answer["cpu"]            # user and system seconds, their children's counted in
        self.peak = answer["peak"] / 1024   # MB of the largest single process
        self.codes = answer["codes"]        # as a shell would tell them, negative for a signal
        self.late = answer["late"]          # it was killed because it took longer than it may
        self.texts = texts                  # what each printed, both streams together

    @property
    def text(self):
        return self.texts[0]

    @property
    def failed(self):
        return self.late or any(self.codes)


class Meter:
    """The client. To be made before the caller fills its memory."""

    def __init__(self, temp):
        import subprocess  # here, so that the server has nothing of it

        self.temp = temp
        # -S and -E: nothing but Python itself, so that the floor under all peaks is low.
        self.server = subprocess.Popen([sys.executable, "-S", "-E", os.path.abspath(__file__)], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)

    def run(self, command, cwd, env, limit=None, sync=True):
        """One command, stopped after `limit` seconds. With `sync` the disk is let come to rest before."""
        return self.together([command], cwd, env, limit, sync)

    def together(self, commands, cwd, env, limit=None, sync=True):
        """Several commands at once, in one folder."""
        import shutil

        commands = [[shutil.which(command[0], path=env["PATH"]) or command[0], *command[1:]] for command in commands]
        outputs = [f"{self.temp}/meter-{number}" for number in range(len(commands))]
        request = {"commands": commands, "cwd": cwd, "env": env, "outputs": outputs, "limit": limit,
                   "sync": sync}
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()
        answer = self.server.stdout.readline()
        if not answer:
            sys.exit("the process that times commands has died")
        texts = []
        for output in outputs:
            with open(output, errors="replace") as file:
                texts.append(file.read())
            os.remove(output)
        return Outcome(json.loads(answer), texts)

    def close(self):
        self.server.stdin.close()
        self.server.wait()


def serve(request):
    """Starts the commands, waits for all, and tells what they took."""
    os.chdir(request["cwd"])
    pids, codes, usages, late = [], {}, [], []

    def stop(*_):
        late.append(True)
        for pid in pids:
            if pid not in codes:
                os.killpg(pid, signal.SIGKILL)

    if request["sync"]:
        os.sync()  # writing what others left behind is not to fall into this command's time
    signal.signal(signal.SIGALRM, stop)
    start = time.perf_counter()
    try:
        for command, output in zip(request["commands"], request["outputs"]):
            actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                       (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                       (os.POSIX_SPAWN_DUP2, 1, 2)]
            pids.append(os.posix_spawn(command[0], command, request["env"], file_actions=actions, setpgroup=0))
        if request["limit"]:
            signal.setitimer(signal.ITIMER_REAL, request["limit"])
        while len(codes) < len(pids):
            pid, status, usage = os.wait4(-1, 0)
            codes[pid] = os.waitstatus_to_exitcode(status)
            usages.append(usage)
    except BaseException:  # Ctrl-C: they are in groups of their own, which it does not reach
        stop()
        raise
    wall = time.perf_counter() - start
    signal.setitimer(signal.ITIMER_REAL, 0)
    return {"wall": wall, "cpu": sum(u.ru_utime + u.ru_stime for u in usages),
            "peak": max(u.ru_maxrss for u in usages), "codes": [codes[pid] for pid in pids], "late": bool(late)}


if __name__ == "__main__":
    try:
        for line in sys.stdin:
            print(json.dumps(serve(json.loads(line))), flush=True)
    except KeyboardInterrupt:
        sys.exit(130)
