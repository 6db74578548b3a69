"""A real standalone Spark cluster on loopback: a master, and workers of one core each."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyspark
from support.processes import free_port, says, start, stop, wait_for

_HOME = Path(pyspark.__file__).parent
_TESTS = Path(__file__).parents[1]
_ENV = {
    "SPARK_HOME": str(_HOME),
    "PYSPARK_PYTHON": sys.executable,
    "SPARK_LOCAL_IP": "127.0.0.1",
    "SPARK_DAEMON_MEMORY": "512m",
}


@contextlib.contextmanager
def standalone(folder: Path, workers: int = 2) -> Iterator[str]:
    """Run a cluster with its files in a folder; give the master's URL."""
    port = str(free_port())
    url = f"spark://127.0.0.1:{port}"
    words = ["master.Master", "--host", "127.0.0.1", "--port", port, "--webui-port", "0"]
    with contextlib.ExitStack() as running:
        _daemon(running, folder / "master.log", *words)
        logs = [_worker(running, url, folder, i) for i in range(workers)]
        for log in logs:
            _registered(log)
        yield url


@contextlib.contextmanager
def one_more_worker(url: str, folder: Path) -> Iterator[None]:
    """Let a worker join a cluster."""
    with contextlib.ExitStack() as running:
        _registered(_worker(running, url, folder, "-more"))
        yield


def _worker(running: contextlib.ExitStack, url: str, folder: Path, name: object) -> Path:
    log = folder / f"worker{name}.log"
    # fmt: off
    words = ["worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", "1g",
             "--webui-port", "0", "--work-dir", str(folder / "work"), url]
    # fmt: on
    _daemon(running, log, *words)
    return log


def _daemon(running: contextlib.ExitStack, log: Path, kind: str, *words: str) -> None:
    command = [str(_HOME / "bin" / "spark-class"), f"org.apache.spark.deploy.{kind}", *words]
    running.callback(stop, [start(command, log, _ENV)])


def _registered(log: Path) -> None:
    wait_for(lambda: says(log, "Successfully registered with master"), "a worker")


def submit(master: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pip's spark-submit."""
    memory: Sequence[str] = ["--driver-memory", "1g", "--executor-memory", "768m"]
    # fmt: off
    command = [str(_HOME / "bin" / "spark-submit"), "--master", master, *memory,
               "--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.ui.enabled=false", *words]
    # fmt: on
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)


def environment() -> dict[str, str]:
    """Return the variables for a driver that is no part of ours."""
    return {k: v for k, v in os.environ.items() if k != "PYSPARK_GATEWAY_PORT"} | _ENV


def run_script(name: str, *words: object) -> dict[str, Any]:
    """Run a script of tests/support in a process of its own; the line of JSON that it prints."""
    run = subprocess.run(
        [sys.executable, str(_TESTS / "support" / name), *map(str, words)],
        env=environment() | {"PYTHONPATH": os.pathsep.join([str(_TESTS), str(_TESTS.parent)])},
        capture_output=True,
        text=True,
        check=False,
    )
    return answer(run)


def answer(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the line of JSON that a job printed last."""
    assert run.returncode == 0, run.stderr[-3000:]
    found: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return found
