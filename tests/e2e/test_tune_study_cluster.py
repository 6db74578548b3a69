"""Studies on a real standalone cluster: executors that join, executors and drivers that die."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.processes import wait_for
from support.standalone import environment, one_more_worker, standalone

pytestmark = pytest.mark.e2e

SCRIPT = Path(__file__).parents[1] / "support" / "long_study.py"
TRIALS = 8


def start(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *map(str, words)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(driver: subprocess.Popen[str]) -> dict[str, Any]:
    out, said = driver.communicate(timeout=300)
    assert driver.returncode == 0, said[-3000:]
    found: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    return found


def test_an_executor_that_is_killed_costs_its_trial_one_more_attempt(
    master: str, tmp_path: Path
) -> None:
    folder = tmp_path / "begun"
    folder.mkdir()
    told = ended(start(tmp_path / "s.db", folder, master, TRIALS, 0.5, 2))
    assert (folder / "killed").exists()
    assert told["ended"] == told["all"] == told["tally"]["complete"] == TRIALS
    assert told["tally"]["retried"] >= 1
    assert told["attempts"][2] == 2
    assert sum(told["attempts"]) == TRIALS + told["tally"]["retried"]
    assert told["tally"]["peak"] == 2
    assert told["workers"] >= 2


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_driver_that_is_killed_or_stopped_is_followed_by_another(
    master: str, how: signal.Signals, tmp_path: Path
) -> None:
    folder = tmp_path / "begun"
    folder.mkdir()
    words = (tmp_path / "s.journal", folder, master, TRIALS)
    driver = start(*words, 1)
    wait_for(lambda: len(list(folder.iterdir())) >= 4, "the fourth trial", 120)
    driver.send_signal(how)
    _, said = driver.communicate(timeout=60)
    assert ("KeyboardInterrupt: the study was stopped" in said) == (how == signal.SIGINT)
    told = ended(start(*words, 0.1))
    assert told["ended"] == told["tally"]["complete"] == TRIALS
    assert TRIALS < told["all"] <= TRIALS + 2
    assert told["best"] == 0


def test_a_study_grows_when_an_executor_joins(tmp_path: Path) -> None:
    folder = tmp_path / "begun"
    folder.mkdir()
    with standalone(tmp_path, workers=1) as url:
        driver = start(tmp_path / "s.db", folder, url, 2 * TRIALS, 1)
        wait_for(lambda: len(list(folder.iterdir())) >= 2, "the second trial", 120)
        with one_more_worker(url, tmp_path):
            told = ended(driver)
    assert told["tally"]["complete"] == told["all"] == 2 * TRIALS
    assert told["tally"]["peak"] == 2
    assert told["workers"] == 2


def test_a_study_takes_executors_that_come_for_tasks_that_wait(master: str, tmp_path: Path) -> None:
    folder = tmp_path / "begun"
    folder.mkdir()
    told = ended(start(tmp_path / "s.db", folder, f"dynamic:{master}", TRIALS, 1))
    assert told["tally"]["complete"] == told["all"] == TRIALS
    assert told["tally"]["peak"] == 2
    assert told["workers"] == 2
