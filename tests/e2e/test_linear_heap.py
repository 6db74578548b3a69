"""Data of about twice the heap spill to disk, and are fitted from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.standalone import environment

pytestmark = pytest.mark.e2e

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("kind", ["frame", "arrays"])
def test_a_fit_to_more_than_the_heap(kind: str) -> None:
    run = subprocess.run(
        [sys.executable, str(TESTS / "support" / "wide_data.py"), kind],
        env=environment() | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    told = json.loads(run.stdout.strip().splitlines()[-1])
    assert told["rows"] == 720_000
    assert told["bytes"] > 1.9 * told["heap"]
    first, second, third = told["coef"]
    np.testing.assert_allclose(first, -second, rtol=0.1)
    assert first > 1
    assert abs(third) < 0.05
