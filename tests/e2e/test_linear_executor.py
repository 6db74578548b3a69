"""An executor that dies in the middle of a linear fit changes nothing but the time."""

from __future__ import annotations

from typing import Any

import pytest
from support.long_linear import FITS
from support.standalone import run_script

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def told(master: str) -> dict[str, Any]:
    """Run the fits on the cluster, in a process of their own; what that says of them."""
    return run_script("long_linear.py", master)


@pytest.mark.parametrize("name", FITS)
def test_an_executor_killed_in_a_fit(told: dict[str, Any], name: str) -> None:
    assert told[name]["partitions"] > 1
    assert told[name]["in_the_middle"]
    assert told[name]["same"]


def test_nothing_is_left_on_the_cluster(told: dict[str, Any]) -> None:
    assert told["left"] == {"persisted": 0, "shared": 0, "bytes": 0}
