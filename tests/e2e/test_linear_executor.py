"""An executor that dies in the middle of a linear fit changes nothing but the time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.long_linear import MODELS
from support.standalone import environment

pytestmark = pytest.mark.e2e

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def told(master: str) -> dict[str, Any]:
    """Run the fits on the cluster, in a process of their own; what that says of them."""
    run = subprocess.run(
        [sys.executable, str(TESTS / "support" / "long_linear.py"), master],
        env=environment() | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    found: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return found


@pytest.mark.parametrize("name", MODELS)
def test_an_executor_killed_in_a_fit(told: dict[str, Any], name: str) -> None:
    assert told[name]["partitions"] > 1
    assert told[name]["in_the_middle"]
    assert told[name]["same"]


def test_nothing_is_left_on_the_cluster(told: dict[str, Any]) -> None:
    assert told["left"] == {"persisted": 0, "shared": 0, "bytes": 0}
