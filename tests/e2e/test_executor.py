"""An executor that dies in the middle of a long fit changes nothing but the time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.long_fit import KILL_AFTER, PARAMS
from support.small import stars

import mllib_py

pytestmark = pytest.mark.e2e


def test_an_executor_killed_late_in_a_blocked_fit(spark: Any, tmp_path: Path) -> None:
    data = stars(60, 40)
    given, found = tmp_path / "ratings.npz", tmp_path / "factors.npz"
    np.savez(given, users=data.users, items=data.items, values=data.values)
    script = Path(__file__).parents[1] / "support" / "long_fit.py"
    env = {k: v for k, v in os.environ.items() if k != "PYSPARK_GATEWAY_PORT"}
    run = subprocess.run(
        [sys.executable, str(script), str(given), str(found)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    told = json.loads(run.stdout.strip().splitlines()[-1])
    assert told["n_iter"] == 200
    assert KILL_AFTER <= told["killed_after"] < 400
    undisturbed = mllib_py.ALS(**PARAMS | {"strategy": "data-parallel"}).fit(data)
    with np.load(found) as factors:
        np.testing.assert_array_equal(factors["users"], undisturbed.user_factors_)
        np.testing.assert_array_equal(factors["items"], undisturbed.item_factors_)
