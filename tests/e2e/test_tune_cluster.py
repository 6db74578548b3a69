"""Searches on a standalone cluster, whose executors are killed."""

from __future__ import annotations

from typing import Any

import pytest
from support.standalone import run_script

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def told(master: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run_script("tuning.py", master, tmp_path_factory.mktemp("marks"))


@pytest.mark.parametrize("strategy", ["broadcast", "files"])
def test_data_reach_all_executors(told: dict[str, Any], strategy: str) -> None:
    assert told["by"][strategy]["strategy"] == strategy
    assert told[f"same {strategy}"]
    assert told[f"executors {strategy}"] == 2


def test_size_chooses_how_data_travel(told: dict[str, Any]) -> None:
    small, large = told["auto"]
    assert small == "broadcast"
    assert large["strategy"] == "files"
    assert large["reason"] == "8 MiB or more"
    assert "Spark's files" in large["by"]


def test_an_executor_killed_once_changes_no_score(told: dict[str, Any]) -> None:
    assert told["killed once"]


def test_a_candidate_that_always_kills_gets_the_error_score(told: dict[str, Any]) -> None:
    good, bad = told["killed always"]
    assert good > 0.9
    assert bad == -1
    # Two splits, each begun at most twice, and once more in a batch.
    assert 2 <= told["kills"] <= 6


def test_executors_that_join_have_the_data_too(told: dict[str, Any]) -> None:
    assert told["same after"]


def test_more_cores_than_an_executor_has_are_refused(told: dict[str, Any]) -> None:
    assert told["too many cores"] == "work of 2 cores cannot run: an executor has 1"
