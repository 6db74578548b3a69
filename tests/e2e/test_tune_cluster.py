"""Searches on a standalone cluster, whose executors are killed."""

from __future__ import annotations

from typing import Any

import pytest
from support.standalone import run_script

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def told(master: str, hdfs_uri: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run_script("tuning.py", master, tmp_path_factory.mktemp("marks"), hdfs_uri)


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


@pytest.mark.parametrize("way", ["shared", "hdfs"])
def test_data_reach_all_executors_through_a_folder(told: dict[str, Any], way: str) -> None:
    found = told[way]
    assert found["same"]
    assert found["executors"] == 2
    said = "one read for each executor" if way == "hdfs" else "which all Python workers map"
    assert said in found["by"]


def test_nothing_stays_in_a_shared_folder(told: dict[str, Any]) -> None:
    assert told["shared"]["left"] == 0


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


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run_script("neighbours.py", tmp_path_factory.mktemp("begun"))


def test_tasks_of_several_cores_take_their_slots_once(neighbours: dict[str, Any]) -> None:
    assert neighbours["slots"] == 2
    assert neighbours["peak"] == 2


def test_a_fit_whose_neighbour_kills_the_executor_keeps_its_score(
    neighbours: dict[str, Any],
) -> None:
    assert neighbours["together"]
    bad, good = neighbours["scores"]
    assert bad == -1
    assert good > 0.9
    assert neighbours["begun"]["bad"] == 2


def test_a_trial_that_kills_its_python_worker_alone_is_known_by_it(
    neighbours: dict[str, Any],
) -> None:
    first, *others = neighbours["study"]
    assert others == [1, 1]
    # Lost beside others it would have been tried twice more, alone.
    assert first.endswith("has died (out of memory, or killed); it was tried 2 times")
