#!/usr/bin/env python3
"""A throw-away Slurm on loopback, for tests: real daemons from Debian's packages, several nodes on this one machine.

    scripts/slurm_cluster.py up DIR --nodes 2 --cpus 8 --gpus 2    starts it; returns when a job has run on every node
    scripts/slurm_cluster.py env DIR                               what a shell has to know: eval "$(… env DIR)"; sbatch …
    scripts/slurm_cluster.py kill DIR n1                           kill -9 of a daemon: slurmctld, or a node with all on it
    scripts/slurm_cluster.py start DIR n1                          starts it again
    scripts/slurm_cluster.py down DIR                              cancels all jobs, stops every daemon by its process id

It is a private cluster: its own key of munge, its own slurm.conf, ports that are free, listeners on 127.0.0.1 alone. No
systemd, no cgroups, no service of the machine is touched. It must be started as root (slurmd refuses otherwise), and any
user may submit. Its three partitions: `main`, the default; `low`, whose jobs those in `high` push aside. Time-outs are so
short that a dead node is noticed in seconds (25 or so: that is how Slurm rounds). GPUs are device nodes that lead to
nothing. Memory beyond what a job asked for is noticed by polling, once a second. More CPUs may be declared than there are.
"""
import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

PACKAGES = {"slurmctld": "slurm-wlm", "slurmd": "slurm-wlm", "munged": "munge", "sbatch": "slurm-wlm"}
SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"


class ClusterError(Exception):
    """What kept the cluster from doing as it was told, with the last lines of the log that says more."""


def missing() -> str | None:
    """Why there can be no cluster here, or None."""
    absent = sorted({package for program, package in PACKAGES.items() if shutil.which(program, path=SYSTEM) is None})
    if absent:
        return f"there is no {' and no '.join(absent)}: scripts/setup installs it"
    if os.geteuid() != 0:
        return "slurmd starts as root alone"
    return None


def until(condition, seconds: float, pause: float = 0.05):
    """What `condition` gives as soon as that is true; false when it is not within the time."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() > end:
            return found
        time.sleep(pause)


def alive(pid: int) -> bool:
    """Whether a process runs. One that has ended and was not waited for does not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def processes() -> dict[int, tuple[int, str]]:
    """All that run: their parents and the names of their programs."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                head, _, tail = file.read().decode(errors="replace").rpartition(")")
                state, parent = tail.split()[:2]
                if state not in "ZX":
                    found[int(name)] = (int(parent), head.partition("(")[2])
    return found


def below(roots: list[int]) -> list[int]:
    """All descendants of these processes, without themselves."""
    parents = {pid: parent for pid, (parent, _) in processes().items()}
    found, seen = [], set(roots)
    grown = True
    while grown:
        grown = False
        for pid, parent in parents.items():
            if parent in seen and pid not in seen:
                seen.add(pid)
                found.append(pid)
                grown = True
    return found


def environment_of(pid: int) -> dict[str, str]:
    """The variables that a process started with; none where that cannot be read."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            words = file.read().decode(errors="replace").split("\0")
    except OSError:
        return {}
    return dict(word.split("=", 1) for word in words if "=" in word)


def slay(pids: list[int], number: int = signal.SIGKILL):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Cluster:
    """The cluster in a folder. Made anew by `Cluster(folder, nodes=…)`; `Cluster.at(folder)` is one that is there."""

    def __init__(self, folder: str, nodes: int = 2, cpus: int = 8, memory: int = 16_000, gpus: int = 0,
                 preempt: str = "REQUEUE", grace: int = 0, ports: list[int] | None = None):
        """`cpus`, `memory` (MB) and `gpus` are those of each node. `preempt` is what becomes of a job in `low` that one in
        `high` pushes aside: REQUEUE or CANCEL, after `grace` seconds from a SIGTERM on."""
        self.folder = os.path.abspath(folder)
        self.nodes = [f"n{number}" for number in range(1, nodes + 1)]
        self.cpus, self.memory, self.gpus, self.preempt, self.grace = cpus, memory, gpus, preempt, grace
        self.ports = ports or []
        self.children: dict[str, subprocess.Popen] = {}  # daemons that this process has started

    @classmethod
    def at(cls, folder: str) -> "Cluster":
        try:
            with open(f"{folder}/cluster.json") as file:
                said = json.load(file)
        except OSError:
            raise ClusterError(f"there is no cluster in {folder}") from None
        return cls(folder, **said)

    # What it is

    @property
    def conf(self) -> str:
        return f"{self.folder}/etc/slurm.conf"

    @property
    def environment(self) -> dict[str, str]:
        return {"SLURM_CONF": self.conf}

    def path(self, name: str) -> str:
        return f"{self.folder}/{name}"

    def tail(self, name: str, lines: int = 5) -> str:
        """The end of what a daemon has said: its log and what it printed."""
        text = ""
        for path in (self.path(f"log/{name}.log"), self.path(f"log/{name}.out")):
            with contextlib.suppress(OSError), open(path, errors="replace") as file:
                text += "".join(file.readlines()[-lines:])
        return text.strip()

    def configure(self):
        host = socket.gethostname().split(".")[0]
        try:
            socket.gethostbyname(host)
        except OSError:
            raise ClusterError(f"the name of this machine, {host}, leads to no address; add '127.0.0.1 {host}' to /etc/hosts") \
                from None
        for name in ("etc", "log", "spool", "state", "pid", "dev"):
            os.makedirs(self.path(name), exist_ok=True)
        for name in ("", "etc", "log", "spool", "pid", "dev"):
            os.chmod(self.path(name), 0o755)  # whatever the umask: other users come here with their jobs
        os.chmod(self.path("state"), 0o700)
        if not self.ports:
            self.ports = free_ports(1 + len(self.nodes))
        with open(os.open(self.path("etc/munge.key"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(os.urandom(1024))
        for number in range(self.gpus):
            if not os.path.exists(self.path(f"dev/gpu{number}")):
                os.mknod(self.path(f"dev/gpu{number}"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
        all_nodes = f"n[1-{len(self.nodes)}]"
        with open(self.path("etc/gres.conf"), "w") as file:
            if self.gpus:
                file.write(f"NodeName={all_nodes} Name=gpu Flags=nvidia_gpu_env File={self.path('dev')}/gpu[0-{self.gpus - 1}]\n")
        settings = {
            "ClusterName": "rungtest",
            "SlurmctldHost": f"{host}(127.0.0.1)",
            "SlurmctldPort": self.ports[0],
            "AuthType": "auth/munge",
            # A job that is put back into the queue is held for as long as a credential lives: two minutes without this.
            "AuthInfo": f"socket={self.path('munge.sock')},cred_expire=5",
            "CredType": "cred/munge",
            "CommunicationParameters": "NoCtldInAddrAny,NoInAddrAny",
            "SlurmUser": "root",
            "SlurmdUser": "root",
            "StateSaveLocation": self.path("state"),
            "SlurmdSpoolDir": self.path("spool/%n"),
            "SlurmctldPidFile": self.path("pid/own-slurmctld"),
            "SlurmdPidFile": self.path("pid/own-%n"),
            "SlurmctldLogFile": self.path("log/slurmctld.log"),
            "SlurmdLogFile": self.path("log/%n.log"),
            "SlurmctldDebug": "info",
            "SlurmdDebug": "info",
            "ProctrackType": "proctrack/linuxproc",
            "TaskPlugin": "task/none",
            "JobAcctGatherType": "jobacct_gather/linux",
            "JobAcctGatherFrequency": 1,
            "JobAcctGatherParams": "OverMemoryKill",
            "EnforcePartLimits": "ALL",
            "AccountingStorageType": "accounting_storage/none",
            "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_Core_Memory",
            "SlurmdParameters": "config_overrides",
            "SchedulerType": "sched/backfill",
            "SchedulerParameters": "batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1",
            "PreemptType": "preempt/partition_prio",
            "PreemptMode": self.preempt,
            "MinJobAge": 300,
            "MaxArraySize": 10_001,
            "MaxJobCount": 20_000,
            "KillWait": 2,
            "InactiveLimit": 0,
            "SlurmctldTimeout": 10,
            "SlurmdTimeout": 5,
            "ReturnToService": 2,
            "JobRequeue": 1,
            "MpiDefault": "none",
            "RebootProgram": "/bin/false",
            "DisableRootJobs": "NO",
        }
        if self.gpus:
            settings["GresTypes"] = "gpu"
        lines = [f"{name}={value}" for name, value in settings.items()]
        gres = f" Gres=gpu:{self.gpus}" if self.gpus else ""
        for name, port in zip(self.nodes, self.ports[1:]):
            lines.append(f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={self.cpus} "
                         f"RealMemory={self.memory}{gres}")
        common = f"Nodes={all_nodes} MaxTime=INFINITE DefaultTime=10 DefMemPerCPU=100 State=UP"
        lines += [f"PartitionName=main {common} Default=YES PriorityTier=5 PreemptMode=OFF",
                  f"PartitionName=low {common} PriorityTier=1 PreemptMode={self.preempt} GraceTime={self.grace}",
                  f"PartitionName=high {common} PriorityTier=10 PreemptMode=OFF"]
        with open(self.conf, "w") as file:
            file.write("\n".join(lines) + "\n")
        with open(self.path("cluster.json"), "w") as file:
            json.dump({"nodes": len(self.nodes), "cpus": self.cpus, "memory": self.memory, "gpus": self.gpus,
                       "preempt": self.preempt, "grace": self.grace, "ports": self.ports}, file)

    # Its daemons

    def pid(self, name: str) -> int | None:
        """The process of a daemon, as long as it is that daemon and runs."""
        try:
            with open(self.path(f"pid/{name}")) as file:
                pid = int(file.read())
            with open(f"/proc/{pid}/comm") as file:
                program = file.read().strip()
        except (OSError, ValueError):
            return None
        expected = {"munged": "munged", "slurmctld": "slurmctld"}.get(name, "slurmd")
        return pid if alive(pid) and program == expected else None

    def start(self, name: str):
        """Starts `munged`, `slurmctld` or a node; does nothing where that runs."""
        if self.pid(name) is not None:
            return
        if name == "munged":
            words = ["munged", "--foreground", "--force", f"--socket={self.path('munge.sock')}",
                     f"--key-file={self.path('etc/munge.key')}", f"--pid-file={self.path('pid/own-munged')}",
                     f"--log-file={self.path('log/munged.log')}", f"--seed-file={self.path('etc/munge.seed')}"]
        elif name == "slurmctld":
            words = ["slurmctld", "-D", "-i"]
        elif name in self.nodes:
            words = ["slurmd", "-D", "-N", name]
        else:
            raise ClusterError(f"{name}: there are munged, slurmctld, {', '.join(self.nodes)}")
        environment = {"PATH": SYSTEM, "LANG": "C.UTF-8", **self.environment}
        with open(self.path(f"log/{name}.out"), "ab") as log:
            child = subprocess.Popen([shutil.which(words[0], path=SYSTEM) or words[0], *words[1:]], stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log, env=environment, cwd=self.folder, start_new_session=True)
        self.children[name] = child
        with open(self.path(f"pid/{name}"), "w") as file:
            file.write(str(child.pid))
        if name == "munged":
            until(lambda: os.path.exists(self.path("munge.sock")) or child.poll() is not None, 10)
        if child.poll() is not None:
            raise ClusterError(f"{name} ended at once ({child.returncode}): {self.tail(name)}")

    def reap(self, name: str):
        """Waits for a daemon of ours that has been killed, so that no zombie is left."""
        child = self.children.pop(name, None)
        if child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(10)

    def kill(self, name: str):
        """kill -9 of one daemon and nothing else. The jobs of a slurmd go on under their slurmstepd."""
        pid = self.pid(name)
        if pid is not None:
            slay([pid])
        self.reap(name)

    def stepds(self, name: str | None = None) -> list[int]:
        """The slurmstepd processes of a node, or of all. They are known by the sockets that they hold in the node's spool."""
        folder = self.path(f"spool/{name}/") if name else self.path("spool/")
        inodes = set()
        with open("/proc/net/unix") as file:
            for line in file:
                words = line.split()
                if len(words) == 8 and words[7].startswith(folder):
                    inodes.add(f"socket:[{words[6]}]")
        found = []
        for pid, (_, program) in processes().items():
            if program == "slurmstepd":
                with contextlib.suppress(OSError):
                    links = set()
                    for descriptor in os.listdir(f"/proc/{pid}/fd"):
                        with contextlib.suppress(OSError):
                            links.add(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
                    if links & inodes:
                        found.append(pid)
        return found

    def inhabitants(self, name: str) -> list[int]:
        """What the jobs on a node run: the descendants of its slurmstepd, and what has left them but says that it is a job's."""
        found = below(self.stepds(name))
        for pid, (_, program) in processes().items():
            if program != "slurmstepd" and pid not in found:
                said = environment_of(pid)
                if said.get("SLURM_CONF") == self.conf and said.get("SLURMD_NODENAME") == name and "SLURM_JOB_ID" in said:
                    found.append(pid)
        return found

    def kill_daemons(self, name: str):
        """kill -9 of a node's slurmd and slurmstepds. What the jobs have started goes on, and nobody looks after it."""
        self.kill(name)
        until(lambda: slay(self.stepds(name)), 0.2, 0.02)  # one that was just being started shows itself a moment later

    def kill_node(self, name: str):
        """As if a node lost its power: slurmd, slurmstepds and all that its jobs have started end at once."""
        people = self.inhabitants(name)
        self.kill_daemons(name)
        slay(people)
        until(lambda: slay(self.inhabitants(name)), 0.2, 0.02)  # what was started meanwhile

    def kill_job(self, job: int):
        """kill -9 of all that a job runs, while Slurm looks on."""
        slay([pid for name in self.nodes for pid in self.inhabitants(name) if environment_of(pid).get("SLURM_JOB_ID") == str(job)])

    # The cluster as a whole

    def up(self, seconds: float = 60):
        """Starts what does not run and waits until a job has really run on every node."""
        reason = missing()
        if reason:
            raise ClusterError(reason)
        if not os.path.exists(self.conf):
            self.configure()
        for name in ("munged", "slurmctld", *self.nodes):
            self.start(name)
        self.wait(seconds)

    def resume(self):
        """What an administrator does with a node that Slurm has drained: after slurmctld was killed it may give a job the number
        of one that runs, calls it a duplicate and takes the node out of service."""
        text = self.call("sinfo", "-h", "-N", "-p", "main", "-o", "%N %T", check=False, timeout=10).stdout
        for line in text.splitlines():
            name, _, state = line.partition(" ")
            if state.startswith("drain"):
                self.call("scontrol", "update", f"NodeName={name}", "State=RESUME", check=False, timeout=10)

    def wait(self, seconds: float = 60):
        """Waits until the cluster answers: a job on all nodes at once that has printed a line on each."""
        count, last = len(self.nodes), []

        def ran() -> bool:
            outcome = self.call("srun", "-Q", "-N", str(count), "-n", str(count), "-t", "1", "--mem=10", "hostname", check=False,
                                timeout=15)
            last[:] = [outcome.stderr.strip()]
            if outcome.returncode != 0:
                self.resume()
            return len(outcome.stdout.split()) == count

        if not until(ran, seconds, 0.1):
            nodes = self.call("sinfo", "-N", "-l", check=False).stdout
            raise ClusterError(f"no job ran on {count} nodes within {seconds} s: {last[0]}\n{nodes}{self.tail('slurmctld')}")

    def jobs(self, states: str = "all") -> list[dict[str, str]]:
        """What squeue lists: `id`, `name`, `state`, `user`, `node`, `comment`, `partition`. `states` as for squeue -t."""
        names = {"id": "%A", "task": "%K", "name": "%j", "state": "%T", "user": "%u", "node": "%N", "partition": "%P",
                 "comment": "%k"}
        text = self.call("squeue", "-h", "-r", "-t", states, "-o", "\x1f".join(names.values())).stdout
        return [dict(zip(names, line.split("\x1f"))) for line in text.splitlines()]

    def left(self) -> list[dict[str, str]]:
        """The jobs that wait or run, or are about to end."""
        return self.jobs("pending,running,suspended,completing,configuring,requeued,requeue_hold,requeue_fed,stopped,resizing")

    def job(self, number: str | int) -> dict[str, str]:
        """What scontrol tells of one job."""
        text = self.call("scontrol", "-o", "show", "job", str(number)).stdout
        return dict(word.split("=", 1) for word in text.split() if "=" in word)

    def call(self, *words: str, check: bool = True, timeout: float = 60, user: str | None = None, text: str | None = None,
             cwd: str | None = None) -> subprocess.CompletedProcess:
        """Runs one of Slurm's commands, as `user` if that is said."""
        as_user = ["setpriv", "--reuid", user, "--regid", user_group(user), "--clear-groups"] if user else []
        environment = {"PATH": SYSTEM, "HOME": "/", "LANG": "C.UTF-8", **self.environment}
        try:
            outcome = subprocess.run([*as_user, *words], capture_output=True, text=True, env=environment, timeout=timeout,
                                     input=text or "", cwd=cwd or "/")
        except subprocess.TimeoutExpired as late:
            if check:
                raise ClusterError(f"{words[0]} took over {timeout} s") from None
            return subprocess.CompletedProcess(late.cmd, 124, "", f"took over {timeout} s")
        if check and outcome.returncode != 0:
            raise ClusterError(f"{' '.join(words[:4])} ended with {outcome.returncode}: {outcome.stderr.strip()}")
        return outcome

    def submit(self, *options: str, script: str, user: str | None = None) -> str:
        """sbatch of a shell script; the number of the job."""
        words = ["sbatch", "--parsable", "--output=/dev/null", *options]
        return self.call(*words, user=user, text=f"#!/bin/sh\n{script}\n", cwd="/tmp").stdout.strip().split(";")[0]

    def clear(self):
        """Cancels all jobs of everybody and waits until none is left."""
        def cancelled() -> bool:
            numbers = sorted({job["id"] for job in self.left()})
            if numbers:
                self.call("scancel", *numbers, check=False)
            return not numbers

        until(cancelled, 20, 0.2)

    def down(self, purge: bool = False):
        """Stops everything that was started in the folder, by process id, whoever has started it."""
        if self.pid("slurmctld") is not None:
            with contextlib.suppress(ClusterError):
                self.clear()
        people = [pid for name in self.nodes for pid in self.inhabitants(name)]
        for name in (*self.nodes, "slurmctld", "munged"):
            pid = self.pid(name)
            if pid is not None:
                slay([pid], signal.SIGTERM)
                if not until(lambda: not alive(pid) or self.ended(name), 5):
                    slay([pid])
            self.reap(name)
            with contextlib.suppress(FileNotFoundError):
                os.remove(self.path(f"pid/{name}"))
        slay(self.stepds())
        slay([pid for pid in people if environment_of(pid).get("SLURM_CONF") == self.conf])
        if purge:
            shutil.rmtree(self.folder, ignore_errors=True)

    def ended(self, name: str) -> bool:
        child = self.children.get(name)
        return child is not None and child.poll() is not None

    def __enter__(self) -> "Cluster":
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *_):
        self.down()


def user_group(user: str) -> str:
    import pwd
    return str(pwd.getpwnam(user).pw_gid)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("up", "down", "env", "kill", "start"):
        each = verbs.add_parser(verb)
        each.add_argument("folder", metavar="DIR")
        if verb == "up":
            each.add_argument("--nodes", type=int, default=2)
            each.add_argument("--cpus", type=int, default=8, help="of each node; may be more than there are")
            each.add_argument("--memory", type=int, default=16_000, help="MB of each node")
            each.add_argument("--gpus", type=int, default=0, help="of each node; there is nothing behind them")
            each.add_argument("--preempt", choices=["REQUEUE", "CANCEL"], default="REQUEUE", help="of jobs in the partition low")
            each.add_argument("--grace", type=int, default=0, help="seconds that such a job has to end")
        if verb == "down":
            each.add_argument("--purge", action="store_true", help="removes the folder, too")
        if verb in ("kill", "start"):
            each.add_argument("name", help="slurmctld, or a node: n1")
    said = parser.parse_args()
    try:
        if said.verb == "up":
            there = os.path.exists(f"{said.folder}/cluster.json")
            cluster = Cluster.at(said.folder) if there else Cluster(said.folder, said.nodes, said.cpus, said.memory, said.gpus,
                                                                    said.preempt, said.grace)
            begin = time.monotonic()
            cluster.up()
            print(f"{len(cluster.nodes)} nodes with {cluster.cpus} CPUs and {cluster.gpus} GPUs each are ready in {cluster.folder} "
                  f"after {time.monotonic() - begin:.1f} s")
            return
        cluster = Cluster.at(said.folder)
        if said.verb == "down":
            cluster.down(said.purge)
        elif said.verb == "env":
            print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in cluster.environment.items()))
        elif said.verb == "start":
            cluster.start(said.name)
        elif said.name in cluster.nodes:
            cluster.kill_node(said.name)
        else:
            cluster.kill(said.name)
    except ClusterError as error:
        sys.exit(f"slurm_cluster: {error}")


if __name__ == "__main__":
    main()
