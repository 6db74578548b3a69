"""Ensembles and predictions on a real cluster, one of whose executors dies."""

from __future__ import annotations

from typing import Any

import pytest
from support.long_ensembles import BALLAST, ROWS
from support.standalone import run_script

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def told(master: str) -> dict[str, Any]:
    """Run it all on the cluster, in a process of its own; what that says."""
    return run_script("long_ensembles.py", master)


def test_a_forest_larger_than_the_limit_of_results_is_scikit_learns(told: dict[str, Any]) -> None:
    assert told["forests"]["calm"]
    assert told["forests"]["gathered"] > 1.5 * told["limit"]
    # The rows as float32, once by the cluster's own means and once with a piece of work.
    assert told["forests"]["scattered"] < 2 * 8_000 * 30 * 4
    assert told["forests"]["with_pieces"] < 2 * 8_000 * 30 * 4


def test_an_executor_killed_in_the_middle_changes_no_tree(told: dict[str, Any]) -> None:
    assert told["forests"]["hurt"]
    assert told["forests"]["again"] >= 1


def test_millions_of_rows_are_predicted_in_the_memory_of_few(told: dict[str, Any]) -> None:
    found = told["predictions"]
    assert found["ids"] == found["rows"] == ROWS
    assert found["right"] > 0.9
    assert found["many"] < found["few"] + 50


def test_nothing_is_left_on_the_cluster(told: dict[str, Any]) -> None:
    found = told["left"]
    assert found["persisted"] == found["shared"] == 0
    # Spark itself sometimes keeps a task's binary of 13 KiB on an executor; a model is larger.
    assert found["bytes"] < BALLAST / 8
