"""Compares hpp-proxyd with nginx (one worker) and HAProxy (one thread): the same backends and the
same loads in one run. Loads and backends are other people's programs (wrk, curl, nginx) wherever they
can make the load, because the proxy, the load and the backend then compete for the processors as they
do on a developer's machine. The proxies take turns. Each figure is the median of several rounds, and each
ratio is the median of the ratios within a round, so that a disturbance of the machine affects all
proxies alike.

Run it with tools/bench. `ratio` is hpp's figure divided by that of the better of the other two. If
the load needs more CPU time than the proxy, all three proxies are equally fast. Then compare
`per CPU`, which is the same ratio for the work done per second of CPU time.

This is the table `proxies`. For `reload` and `barrier` see reload.py, for `steps` steps.py, for `start`
start_up.py.
"""

import argparse
import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import reload
import start_up
import steps

BUILD_DIR = pathlib.Path(os.environ.get("HPP_BUILD_DIR", "build"))
PEER = BUILD_DIR / "tests" / "bench" / "bench-peer"
SERVER = BUILD_DIR / "tests" / "support" / "test-backend"
GIB = 1 << 30
FILE_SIZES = (64, 100_000, GIB)
DEADLINE_S = 20
OWN_NETWORK = "HPP_BENCH_NETWORK"  # environment variable, set inside the network namespace

NGINX_START = """\
worker_processes 1;
daemon off;
pid {directory}/{name}.pid;
error_log {directory}/{name}.log crit;
events {{ worker_connections 12000; }}
http {{
  access_log off;
  client_body_temp_path {directory}/{name}-body;
  proxy_temp_path {directory}/{name}-proxy;
  fastcgi_temp_path {directory}/{name}-fastcgi;
  scgi_temp_path {directory}/{name}-scgi;
  uwsgi_temp_path {directory}/{name}-uwsgi;
  keepalive_requests 100000000;
  keepalive_timeout 600;
  client_max_body_size 0;
"""

# A backend that sends files.
FILES = NGINX_START + """\
  sendfile on;
  tcp_nopush on;
  open_file_cache max=10;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {directory}/files;
  }}
}}
"""

NGINX = NGINX_START + """\
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  upstream backend {{ server 127.0.0.1:{backend}; keepalive 512; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_buffer_size 64k;
      proxy_buffers 8 64k;
      proxy_busy_buffers_size 128k;
      proxy_max_temp_file_size 0;
      proxy_read_timeout 600;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto http;
      proxy_set_header Forwarded "for=$remote_addr;host=\\"$http_host\\";proto=http";
    }}
  }}
}}
"""

HAPROXY = """\
global
  nbthread 1
  maxconn 6000
defaults
  mode http
  option http-keep-alive
  option splice-auto
  option forwardfor
  http-reuse always
  timeout connect 10s
  timeout client 600s
  timeout server 600s
frontend front
  bind 127.0.0.1:{port} backlog 4096
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Proto http
  http-request set-header Forwarded "for=%[src];host=\\"%[req.hdr(host)]\\";proto=http"
  default_backend back
backend back
  server one 127.0.0.1:{backend} pool-max-conn 512
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# With two or more processors, the proxy has one and the load has another one.
PROXY_CPUS = {0}
LOAD_CPUS = {1} if os.cpu_count() > 1 else {0}


def start_on(cpus, *command, **options):
    """Returns a subprocess.Popen whose process runs on the processors `cpus`."""
    process = subprocess.Popen([*map(str, command)], **options)
    os.sched_setaffinity(process.pid, cpus)
    return process


class Server:
    """One running proxy or backend."""

    def __init__(self, name, port, cpus, command):
        self.name = name
        self.port = port
        self.cpus = cpus
        self.process = start_on(cpus, *command, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        self.wait(self.listens)
        self.pid = self.process.pid if command[0] != "nginx" else self.wait(self.child)
        self.run_on(cpus)

    def run_on(self, cpus):
        os.sched_setaffinity(self.pid, cpus)

    def wait(self, what):
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end and self.process.poll() is None:
            if found := what():
                return found
            time.sleep(0.01)
        raise SystemExit(f"{self.name} does not start")

    def listens(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False

    def child(self):
        """The worker process of nginx, whose main process serves no requests."""
        pid = self.process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else None

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """The memory that no other process has, in bytes, without pages of files."""
        text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return sum(int(kib) for kib in re.findall(r"^Private_Dirty: +(\d+) kB", text, re.M)) * 1024

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE_S)


def start_nginx(name, directory, cpus, config, **values):
    port = free_port()
    path = directory / f"{name}.conf"
    path.write_text(config.format(name=name, directory=directory, port=port, **values))
    return Server(name, port, cpus, ["nginx", "-e", "/dev/null", "-c", path])


def start_haproxy(name, directory, cpus, backend):
    port = free_port()
    path = directory / f"{name}.conf"
    path.write_text(HAPROXY.format(port=port, backend=backend))
    return Server(name, port, cpus, ["haproxy", "-db", "-f", path])


def start_hpp(name, cpus, backend):
    port = free_port()
    return Server(name, port, cpus, [BUILD_DIR / "proxyd" / "hpp-proxyd", f"127.0.0.1:{port}",
                                     f"127.0.0.1:{backend}", "--assume-running"])


class Chain:
    """A backend, and the three proxies in front of it."""

    def __init__(self, name, directory, start_backend):
        self._running = []
        self.backend = self._keep(start_backend())
        port = self.backend.port
        self.proxies = [
            self._keep(start_hpp(f"{name}-hpp", PROXY_CPUS, port)),
            self._keep(start_nginx(f"{name}-nginx", directory, PROXY_CPUS, NGINX, backend=port)),
            self._keep(start_haproxy(f"{name}-haproxy", directory, PROXY_CPUS, port)),
        ]

    def _keep(self, server):
        self._running.append(server)
        return server

    def end(self):
        for server in reversed(self._running):
            server.end()


class Bench:
    def __init__(self, directory, seconds):
        self.seconds = seconds
        self.upload = directory / "upload"
        with open(self.upload, "wb") as file:
            file.truncate(GIB)
        directory.chmod(0o711)  # nginx, started by root, reads its files as another user
        files = directory / "files" / "zeros"
        files.mkdir(parents=True)
        for size in FILE_SIZES:
            with open(files / str(size), "wb") as file:
                file.truncate(size)
        for program in ("nginx", "haproxy"):
            if not shutil.which(program):
                raise SystemExit(f"{program} is not installed")
        self.chains = []
        # nginx for responses, and hpp's test server for everything that nginx does not do.
        self.of_files = self.chain("files", directory, lambda: start_nginx(
            "backend", directory, LOAD_CPUS, FILES))
        self.of_tests = self.chain("tests", directory, lambda: Server(
            "test-backend", port := free_port(), LOAD_CPUS, [SERVER, port]))

    def chain(self, *arguments):
        self.chains.append(Chain(*arguments))
        return self.chains[-1]

    def end(self):
        for chain in self.chains:
            chain.end()

    # ---- loads: each returns a figure; a higher one is better

    def run(self, *command, cpus=None):
        process = start_on(cpus or LOAD_CPUS, *command, stdout=subprocess.PIPE, text=True)
        text, _ = process.communicate()
        if process.returncode != 0:
            raise SystemExit(f"{command} ended with {process.returncode}")
        return text

    def wrk(self, proxy, connections, path):
        text = self.run("wrk", "-t1", f"-c{connections}", f"-d{self.seconds}s", "--latency",
                        f"http://127.0.0.1:{proxy.port}{path}")
        if "Socket errors" in text or "Non-2xx" in text:
            print(f"{proxy.name}:\n{text}", file=sys.stderr)
        return text

    def requests(self, connections, path):
        def load(proxy):
            text = self.wrk(proxy, connections, path)
            return float(re.search(r"Requests/sec: +([\d.]+)", text).group(1))
        return load

    def latency(self, proxy):
        """The inverse of the median latency in seconds, on one connection."""
        value, unit = re.search(r"50% +([\d.]+)(us|ms|s)", self.wrk(proxy, 1, "/zeros/64")).groups()
        return 1 / (float(value) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit])

    def transfer(self, backend, *options, path="/"):
        """Bytes per second when 1 GiB is transferred. The three processes of a single stream mostly
        work one after another, so they may use all processors."""
        def load(proxy):
            everywhere = set(range(os.cpu_count()))
            for server in (proxy, backend):
                server.run_on(everywhere)
            text = self.run("curl", "-s", "-S", "-o", "/dev/null", "-H", "Expect:", "-w",
                            "%{time_total}", *options, f"http://127.0.0.1:{proxy.port}{path}",
                            cpus=everywhere)
            for server in (proxy, backend):
                server.run_on(server.cpus)
            return GIB / float(text)
        return load

    def messages(self, connections, size):
        return lambda proxy: float(
            self.run(PEER, "echo", proxy.port, connections, size, self.seconds))

    def new_connections(self, connections):
        """Does not use wrk, which costs more than the proxies here and would limit all of them."""
        return lambda proxy: float(
            self.run(PEER, "connect", proxy.port, connections, self.seconds))

    def idle_memory(self, proxy):
        """The number of open connections divided by the proxy's private memory in bytes."""
        count = 5000
        with subprocess.Popen([str(PEER), "idle", str(proxy.port), str(count)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as load:
            if load.stdout.readline() != b"idle\n":
                raise SystemExit(f"{proxy.name} does not hold {count} connections")
            used = proxy.memory()
            load.stdin.close()
        return count / used

    def rows(self):
        """Returns (name, proxies, load, format of a figure, whether to show the column `per CPU`)."""
        per_second = "{:,.0f}/s".format
        speed = lambda value: f"{value / GIB:.2f} GiB/s"
        files, tests = self.of_files, self.of_tests
        return [
            # The first row, because a process seldom returns the memory that a load has used.
            ("memory per idle connection", tests, self.idle_memory,
             lambda v: f"{1 / v / 1024:.1f} KiB", False),
            ("small responses, 1 connection", files, self.requests(1, "/zeros/64"), per_second, True),
            ("small responses, 64 connections", files, self.requests(64, "/zeros/64"), per_second, True),
            ("small responses, 512 connections", files, self.requests(512, "/zeros/64"), per_second, True),
            ("latency, 1 connection, p50", files, self.latency, lambda v: f"{1e6 / v:.0f} µs", False),
            ("100 kB bodies, 64 connections", files, self.requests(64, "/zeros/100000"), per_second, True),
            ("1 GiB down", files, self.transfer(files.backend, path=f"/zeros/{GIB}"), speed, True),
            ("1 GiB up", tests, self.transfer(tests.backend, "-T", self.upload), speed, True),
            ("WebSocket messages, 64 × 125 bytes", tests, self.messages(64, 125), per_second, True),
            ("a connection per request", tests, self.new_connections(64), per_second, True),
        ]


def measure(proxies, load, rounds):
    """Returns, for each proxy, [(figure, CPU seconds per unit of work) for each round]."""
    got = {proxy: [] for proxy in proxies}
    for turn in range(rounds):
        first = turn % len(proxies)
        for proxy in proxies[first:] + proxies[:first]:
            cpu, begin = proxy.cpu_seconds(), time.monotonic()
            figure = load(proxy)
            took = time.monotonic() - begin
            used = max(proxy.cpu_seconds() - cpu, 1 / os.sysconf("SC_CLK_TCK"))
            got[proxy].append((figure, used / (figure * took)))
    return list(got.values())


def against_the_better(ours, others):
    """Returns the median ratio to the better of the others. The ratios are taken round by round,
    because a disturbance that lasts longer than a round affects all proxies."""
    return min(statistics.median(our / other for our, other in zip(ours, theirs, strict=True))
               for theirs in others)


def run_in_own_network():
    """Runs this program again in its own network namespace."""
    options = ["--net"] if os.geteuid() == 0 else ["--net", "--map-root-user"]
    subprocess.run(["unshare", *options, sys.executable, *sys.argv], check=True,
                   env={**os.environ, OWN_NETWORK: "1"})


def set_up_own_network():
    """Makes TCP work as on most machines. Some kernels use BBR by default, whose pacing on loopback
    hides the cost of a proxy. Every kernel permits Reno in a network namespace. Without packet
    loss, Reno behaves like the usual CUBIC."""
    with socket.socket() as any_socket:
        up = struct.pack("16sH14x", b"lo", 0x1)  # netdevice(7): IFF_UP
        fcntl.ioctl(any_socket, 0x8914, up)  # SIOCSIFFLAGS
    for name, value in (("tcp_congestion_control", "reno"), ("ip_local_port_range", "15000 60999")):
        pathlib.Path("/proc/sys/net/ipv4", name).write_text(value)


def compare_proxies(options):
    with tempfile.TemporaryDirectory(prefix="hpp-bench") as directory:
        bench = Bench(pathlib.Path(directory), options.seconds)
        try:
            print(f"{'':36}{'hpp':>14}{'nginx':>14}{'HAProxy':>14}{'ratio':>8}{'per CPU':>9}")
            for name, chain, load, text, has_cost in bench.rows():
                if options.only not in name:
                    continue
                got = measure(chain.proxies, load, options.rounds)
                ours, *others = ([figure for figure, _ in rounds] for rounds in got)
                cells = "".join(f"{text(statistics.median(figures)):>14}"
                                for figures in (ours, *others))
                line = f"{name:36}{cells}{against_the_better(ours, others):8.2f}"
                if has_cost:
                    ours, *others = ([1 / cost for _, cost in rounds] for rounds in got)
                    line += f"{against_the_better(ours, others):9.2f}"
                print(line, flush=True)
        finally:
            bench.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--seconds", type=int, default=2,
                        help="duration of each load (default: 2)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds per figure (default: 5)")
    parser.add_argument("--only", metavar="TEXT", default="",
                        help="only the rows of the table proxies whose name contains TEXT")
    parser.add_argument("tables", nargs="*", metavar="TABLE", default=["proxies"],
                        help="proxies (default), reload, steps, barrier, start")
    options = parser.parse_args()
    if unknown := set(options.tables) - {"proxies", "reload", "steps", "barrier", "start"}:
        parser.error(f"no such table: {', '.join(unknown)}")
    if OWN_NETWORK not in os.environ:
        # Runs outside the network namespace, because it needs npm's registry.
        if "reload" in options.tables:
            reload.print_table(reload.Reload, options.rounds)
        if "steps" in options.tables:
            reload.print_table(steps.Steps, options.rounds)
        if "start" in options.tables:
            reload.print_table(start_up.StartUp, options.rounds)
        if "proxies" in options.tables or "barrier" in options.tables:
            run_in_own_network()
        return
    set_up_own_network()
    if "proxies" in options.tables:
        compare_proxies(options)
    if "barrier" in options.tables:
        reload.print_table(reload.BarrierCost, options.rounds)


if __name__ == "__main__":
    main()
