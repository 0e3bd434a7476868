#!/usr/bin/env python3
"""Machines for the stories of remote caches (remote_test.py): network namespaces with addresses of their own behind one
bridge, a web server that keeps files, certificates, and a proxy that stalls or drops. All of it on this machine, in folders
that the caller names; programs are stopped by their process ids. As root.

    scripts/remote_machines.py proxy FROM-HOST FROM-PORT TO-HOST TO-PORT MODE BYTES    is started by the stories themselves
"""
import contextlib
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"
NETWORK = "10.77.219"


def tool(*words: str, text: str | None = None, cwd: str | None = None) -> str:
    """Runs a program of the system that must succeed; what it printed."""
    outcome = subprocess.run(words, capture_output=True, text=True, input=text or "", cwd=cwd,
                             env={"PATH": SYSTEM, "LANG": "C.UTF-8", "HOME": "/"})
    if outcome.returncode != 0:
        raise OSError(f"{' '.join(words)} ended with {outcome.returncode}: {outcome.stderr.strip()}")
    return outcome.stdout


def missing() -> str | None:
    """Why there can be no such machines here, or None."""
    programs = ("ip", "nsenter", "unshare", "openssl", "nginx", "mount")
    absent = [name for name in programs if shutil.which(name, path=SYSTEM) is None]
    if absent:
        return f"there is no {', no '.join(absent)}: scripts/setup installs it"
    if os.geteuid() != 0:
        return "namespaces with addresses need root"
    trial = f"rung-trial-{os.getpid()}"
    try:
        tool("ip", "netns", "add", trial)
        try:
            tool("ip", "-n", trial, "link", "add", "br0", "type", "bridge")
        finally:
            tool("ip", "netns", "del", trial)
    except OSError as error:
        return str(error)
    return None


class Network:
    """Namespaces by name, each with an address, all of which reach each other."""

    def __init__(self, names: list[str]):
        self.prefix = f"rung{os.getpid()}"
        self.addresses = {name: f"{NETWORK}.{number}" for number, name in enumerate(names, 1)}

    def space(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def __enter__(self) -> "Network":
        try:
            wire = self.space("wire")
            tool("ip", "netns", "add", wire)
            tool("ip", "-n", wire, "link", "add", "br0", "type", "bridge")
            tool("ip", "-n", wire, "link", "set", "br0", "up")
            for name, address in self.addresses.items():
                space = self.space(name)
                tool("ip", "netns", "add", space)
                tool("ip", "-n", space, "link", "add", "eth0", "type", "veth", "peer", "name", name, "netns", wire)
                tool("ip", "-n", wire, "link", "set", name, "master", "br0", "up")
                tool("ip", "-n", space, "link", "set", "lo", "up")
                tool("ip", "-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
                tool("ip", "-n", space, "link", "set", "eth0", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in (*self.addresses, "wire"):
            with contextlib.suppress(OSError):
                tool("ip", "netns", "del", self.space(name))

    def link(self, name: str, state: str):
        """Pulls the cable of a machine (`down`), or plugs it in (`up`)."""
        tool("ip", "-n", self.space("wire"), "link", "set", name, state)

    def inside(self, name: str) -> list[str]:
        """What a command begins with that is to run on this machine, under its name."""
        return ["nsenter", f"--net=/run/netns/{self.space(name)}", "unshare", "--uts", "sh", "-c",
                'hostname "$0" && exec "$@"', name]

    def start(self, name: str, words: list[str], log: str) -> subprocess.Popen:
        with open(log, "ab") as file:
            return subprocess.Popen([*self.inside(name), *words], stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                    env={"PATH": SYSTEM, "LANG": "C.UTF-8", "HOME": "/"})

    def wait(self, name: str, port: int, process: subprocess.Popen, log: str, seconds: float = 20):
        """Waits until somebody on this machine answers at a port."""
        words = [*self.inside(name), "/usr/bin/python3", "-c", "import socket, sys; "
                 f"socket.create_connection(('{self.addresses[name]}', {port}), 2).close()"]
        end = time.monotonic() + seconds
        while subprocess.run(words, capture_output=True, env={"PATH": SYSTEM}).returncode != 0:
            if process.poll() is not None or time.monotonic() > end:
                with open(log, errors="replace") as file:
                    raise OSError(f"nobody answers at {self.addresses[name]}:{port}: {file.read()[-600:]}")
            time.sleep(0.05)


def end(process: subprocess.Popen | None):
    """Stops what was started, politely first."""
    if process is None:
        return
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Authority:
    """A laboratory's own authority, and certificates by it."""

    def __init__(self, folder: str, address: str):
        self.folder, self.file = folder, f"{folder}/ca.pem"
        os.makedirs(folder)
        tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
             "/CN=Rung's laboratory", "-keyout", f"{folder}/ca.key", "-out", self.file)
        with open(f"{folder}/ca.conf", "w") as file:
            file.write(f"""[ca]
default_ca = own
[own]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
private_key = {folder}/ca.key
certificate = {folder}/ca.pem
default_md = sha256
policy = any
x509_extensions = server
[any]
commonName = supplied
[server]
basicConstraints = CA:FALSE
subjectAltName = IP:{address}
extendedKeyUsage = serverAuth
""")
        open(f"{folder}/index.txt", "w").close()
        tool("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={address}",
             "-keyout", f"{folder}/server.key", "-out", f"{folder}/server.csr")
        now = time.time()
        stamp = lambda days: time.strftime("%Y%m%d%H%M%SZ", time.gmtime(now + days * 86_400))
        for name, since, until in (("good", -1, 30), ("expired", -40, -10)):
            # Two of one subject are asked for; the database must not mind.
            open(f"{folder}/index.txt", "w").close()
            tool("openssl", "ca", "-batch", "-notext", "-config", f"{folder}/ca.conf", "-startdate", stamp(since), "-enddate",
                 stamp(until), "-in", f"{folder}/server.csr", "-out", f"{folder}/{name}.pem")


class Nginx:
    """A web server on the machine `store` that keeps files below `root` as Bazel's tools lay them out."""

    port = 8443

    def __init__(self, network: Network, folder: str, authority: Authority, user: str, password: str):
        self.network, self.folder, self.authority = network, folder, authority
        self.root = f"{folder}/root"
        self.process: subprocess.Popen | None = None
        os.makedirs(f"{self.root}/tmp")
        crypt = tool("openssl", "passwd", "-apr1", "-stdin", text=password).strip()
        with open(f"{folder}/users", "w") as file:
            file.write(f"{user}:{crypt}\n")

    @property
    def url(self) -> str:
        return f"https://{self.network.addresses['store']}:{self.port}/cache"

    def start(self, certificate: str = "good"):
        self.stop()
        temporary = "\n".join(f"  {name}_temp_path {self.root}/tmp/{name};" for name in
                              ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(f"{self.folder}/nginx.conf", "w") as file:
            file.write(f"""user root;
worker_processes 1;
daemon off;
pid {self.folder}/nginx.pid;
error_log {self.folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {self.folder}/access.log;
{temporary}
  server {{
    listen {self.network.addresses['store']}:{self.port} ssl;
    ssl_certificate {self.authority.folder}/{certificate}.pem;
    ssl_certificate_key {self.authority.folder}/server.key;
    root {self.root};
    client_max_body_size 0;
    auth_basic laboratory;
    auth_basic_user_file {self.folder}/users;
    location ~ "^/cache/(cas|ac)/[0-9a-f]{{64}}$" {{
      dav_methods PUT;
      create_full_put_path on;
    }}
    location / {{ return 404; }}
  }}
}}
""")
        self.process = self.network.start("store", ["nginx", "-p", self.folder, "-c", f"{self.folder}/nginx.conf"],
                                          f"{self.folder}/nginx.out")
        self.network.wait("store", self.port, self.process, f"{self.folder}/nginx.out")

    def stop(self):
        end(self.process)
        self.process = None

    def requests(self, method: str) -> list[str]:
        with contextlib.suppress(FileNotFoundError), open(f"{self.folder}/access.log") as file:
            return [line for line in file if f'"{method} ' in line]
        return []


class Proxy:
    """Something in the way on the machine `store`, at a port of its own."""

    port = 9443

    def __init__(self, network: Network, folder: str, to: int, mode: str, count: int):
        """Passes on `count` bytes of what the server says in each connection, then does nothing more (`stall`), or breaks it
        off (`drop`)."""
        self.network = network
        address = network.addresses["store"]
        log = f"{folder}/proxy.out"
        self.process = network.start("store", ["/usr/bin/python3", os.path.abspath(__file__), "proxy", address, str(self.port), address,
                                               str(to), mode, str(count)], log)
        network.wait("store", self.port, self.process, log)

    @property
    def url(self) -> str:
        return f"https://{self.network.addresses['store']}:{self.port}/cache"

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_):
        end(self.process)


def serve_proxy(host: str, port: int, to: tuple[str, int], mode: str, count: int):
    """One thread for all connections. Bytes of the client always pass, those of the server up to the count."""
    listener = socket.create_server((host, port))
    peers: dict[socket.socket, socket.socket] = {}
    left: dict[socket.socket, int] = {}  # of the server's sockets

    def close(one: socket.socket, hard: bool):
        for each in (one, peers.get(one)):
            if each is not None:
                peers.pop(each, None)
                left.pop(each, None)
                if hard:  # a reset, as when a machine is gone
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.close()

    while True:
        ready = select.select([listener, *(each for each in peers if left.get(each, 1) > 0)], [], [])[0]
        for one in ready:
            if one is listener:
                client, _ = listener.accept()
                try:
                    server = socket.create_connection(to)
                except OSError:
                    client.close()
                    continue
                peers[client], peers[server] = server, client
                left[server] = count
            elif one in peers:
                try:
                    data = one.recv(min(65536, left.get(one, 65536)))
                    if data:
                        peers[one].sendall(data)
                except OSError:
                    data = b""
                if not data:
                    close(one, hard=False)
                elif one in left:
                    left[one] -= len(data)
                    if left[one] <= 0 and mode == "drop":
                        close(one, hard=True)


def main():
    if len(sys.argv) != 8 or sys.argv[1] != "proxy":
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    host, port, to_host, to_port, mode, count = sys.argv[2:]
    serve_proxy(host, int(port), (to_host, int(to_port)), mode, int(count))


if __name__ == "__main__":
    main()
