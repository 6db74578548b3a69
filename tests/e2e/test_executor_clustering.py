"""An executor that dies in the middle of a clustering changes nothing but the time."""

from __future__ import annotations

from typing import Any

import pytest
from support.long_clustering import KILL_AFTER, ROWS
from support.standalone import run_script

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def told(master: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the fits on the cluster, in a process of their own; what that says of them."""
    folder = tmp_path_factory.mktemp("centres")
    return run_script("long_clustering.py", master, folder)


def test_an_executor_killed_in_a_fit(told: dict[str, Any]) -> None:
    killed, undisturbed = told["killed"], told["undisturbed"]
    assert KILL_AFTER <= killed["killed_at"] < killed["iterations"]
    # Bit for bit: bounds that were lost change who is scored, not who is nearest.
    for what in ("centres", "counts", "inertia", "history", "iterations", "reason"):
        assert killed[what] == undisturbed[what], what
    assert sum(killed["counts"]) == ROWS


def test_lost_bounds_meant_full_passes(told: dict[str, Any]) -> None:
    killed, undisturbed = told["killed"]["scored"], told["undisturbed"]["scored"]
    assert undisturbed[0] == killed[0] == 1
    assert max(undisturbed[5:]) < 0.9
    at = told["killed"]["killed_at"]
    # The executor held one of eight partitions at least, of which half the rows had bounds.
    assert max(k - u for k, u in zip(killed[at - 2 :], undisturbed[at - 2 :], strict=True)) > 0.05


def test_nothing_is_left_on_the_cluster(told: dict[str, Any]) -> None:
    assert told["left"] == {"persisted": 0, "shared": 0, "bytes": 0}
