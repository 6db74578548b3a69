"""Hosts in network namespaces of this machine, each on a link of its own, and Spark on them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyspark

MASTER_PORT = 7077
_DEVICE = "eth0"
_HOME = Path(pyspark.__file__).parent


class Network:
    """Hosts joined by a switch, all in namespaces: the machine's own network stays as it is.

    Namespaces are named by this process (``mllibpy123-worker1``) and taken down by `close`, with
    the processes that still run in them.

    Parameters
    ----------
    hosts : sequence of str
        Their names, 15 letters at most.
    """

    def __init__(self, hosts: Sequence[str]) -> None:
        refuse_without_rights()
        self._prefix = f"mllibpy{os.getpid()}"
        self._made: list[str] = []
        self.address = {h: f"10.77.0.{n}" for n, h in enumerate(hosts, 1)}
        self.switch = f"{self._prefix}-switch"
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def _make(self) -> None:
        self._add(self.switch)
        _ip("-n", self.switch, "link", "add", "bridge", "type", "bridge")
        _ip("-n", self.switch, "link", "set", "bridge", "up")
        for host, address in self.address.items():
            space = self.space(host)
            self._add(space)
            veth = ["type", "veth", "peer", "name", _DEVICE, "netns", space]
            _ip("link", "add", host, "netns", self.switch, *veth)
            _ip("-n", self.switch, "link", "set", host, "master", "bridge", "up")
            _ip("-n", space, "address", "add", f"{address}/24", "dev", _DEVICE)
            _ip("-n", space, "link", "set", _DEVICE, "up")

    def _add(self, space: str) -> None:
        _ip("netns", "add", space)
        self._made.append(space)
        _ip("-n", space, "link", "set", "lo", "up")

    def space(self, host: str) -> str:
        """Name a host's namespace."""
        return f"{self._prefix}-{host}"

    def inside(self, host: str) -> list[str]:
        """Return the words before a command that make it run on a host."""
        return ["ip", "netns", "exec", self.space(host)]

    def shape(self, bits: float | None) -> None:
        """Let each link carry so many bits a second, each way; None lifts the limit."""
        for host in self.address:
            for space, device in ((self.switch, host), (self.space(host), _DEVICE)):
                if bits is None:
                    # Fails where there is nothing to lift.
                    _try("tc", "-n", space, "qdisc", "del", "dev", device, "root")
                    continue
                # A millisecond's worth may pass at once, next to nothing; what 200 carry may wait.
                burst = max(32_000, int(bits / 8 / 1000))
                limit = ["rate", f"{int(bits)}bit", "burst", str(burst), "latency", "200ms"]
                _run("tc", "-n", space, "qdisc", "replace", "dev", device, "root", "tbf", *limit)

    def close(self) -> None:
        """End what still runs on the hosts, and take them down."""
        for space in self._made[::-1]:
            for sign in (signal.SIGTERM, signal.SIGKILL):
                _end(space, sign)
            _try("ip", "netns", "del", space)
        self._made.clear()


def refuse_without_rights() -> None:
    """End the program with a sentence where it cannot make namespaces."""
    missing = [c for c in ("ip", "tc") if shutil.which(c) is None]
    if os.geteuid() != 0 or missing:
        raise SystemExit(
            "this makes network namespaces on this machine: it needs root, and the commands ip and "
            "tc (iproute2)" + (f"; {' and '.join(missing)} not found" if missing else "")
        )


def traffic(switch: str, hosts: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Read how many bytes each host has sent and received, as the switch counts them.

    Ethernet, IP and TCP are in it, acknowledgements too.
    """
    counts = [f"/sys/class/net/{h}/statistics/{d}_bytes" for h in hosts for d in ("rx", "tx")]
    found = [int(x) for x in _run("ip", "netns", "exec", switch, "cat", *counts).split()]
    return {h: (found[2 * i], found[2 * i + 1]) for i, h in enumerate(hosts)}


@contextlib.contextmanager
def standalone(
    network: Network, driver: str, workers: Sequence[str], memory: str, folder: Path
) -> Iterator[str]:
    """Run a master beside the driver and a worker of one core on each other host; give its URL."""
    address = network.address
    url = f"spark://{address[driver]}:{MASTER_PORT}"
    deploy = "org.apache.spark.deploy"
    # fmt: off
    master = [f"{deploy}.master.Master", "--host", address[driver], "--port", str(MASTER_PORT),
              "--webui-port", "0"]
    # fmt: on
    running = [_daemon(network, driver, master, folder)]
    try:
        for w in workers:
            # fmt: off
            worker = [f"{deploy}.worker.Worker", "--host", address[w], "--cores", "1", "--memory",
                      memory, "--webui-port", "0", "--work-dir", str(folder / w), url]
            # fmt: on
            running.append(_daemon(network, w, worker, folder))
        for w in workers:
            _wait_for(folder / f"{w}.log", "Successfully registered with master")
        yield url
    finally:
        for process in running[::-1]:
            process.terminate()
        for process in running[::-1]:
            _gone(process)


def environment(network: Network, host: str) -> dict[str, str]:
    """Return the variables of a Spark process on a host."""
    ours = {"SPARK_HOME": str(_HOME), "PYSPARK_PYTHON": sys.executable}
    ours |= {"SPARK_LOCAL_IP": network.address[host], "SPARK_DAEMON_MEMORY": "256m"}
    return os.environ | ours


def _daemon(
    network: Network, host: str, words: Sequence[str], folder: Path
) -> subprocess.Popen[bytes]:
    command = [*network.inside(host), str(_HOME / "bin" / "spark-class"), *words]
    with (folder / f"{host}.log").open("wb") as log:
        # A session of its own: an interrupt is for this program, which ends the others in order.
        return subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(network, host),
            start_new_session=True,
        )


def _gone(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(log: Path, text: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while text not in log.read_text(errors="replace"):
        if time.monotonic() > deadline:
            raise SystemExit(f"no worker within {seconds:.0f} s; its log ends:\n{_tail(log)}")
        time.sleep(0.1)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:])


def _end(space: str, sign: signal.Signals) -> None:
    """Send a signal to all in a namespace, and wait a little until they are gone."""
    for pid in _try("ip", "netns", "pids", space).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), sign)
    deadline = time.monotonic() + 5
    while _try("ip", "netns", "pids", space).split() and time.monotonic() < deadline:
        time.sleep(0.1)


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout


def _try(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout
