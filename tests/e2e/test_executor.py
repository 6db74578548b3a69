"""An executor that dies in the middle of a fit changes nothing but the time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.long_fit import FITS, iterations
from support.small import Small, stars
from support.standalone import run_script

import mllib_py
from mllib_py.data import list_files

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def data() -> Small:
    return stars(60, 40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the factors are written to."""
    return tmp_path_factory.mktemp("factors")


@pytest.fixture(scope="module")
def checkpoints(hdfs_uri: str) -> str:
    return f"{hdfs_uri}/checkpoints"


@pytest.fixture(scope="module")
def told(data: Small, folder: Path, master: str, checkpoints: str) -> dict[str, Any]:
    """Run the fits on the cluster, in a process of their own; what that says of them."""
    given = folder / "ratings.npz"
    np.savez(given, users=data.users, items=data.items, values=data.values)
    return run_script("long_fit.py", master, checkpoints, given, folder)


@pytest.mark.parametrize("name", FITS)
def test_an_executor_killed_in_a_fit(
    spark: Any, data: Small, folder: Path, told: dict[str, Any], name: str
) -> None:
    plan = FITS[name]
    assert told[name]["n_iter"] == iterations(plan)
    assert 2 * plan.kill_after <= told[name]["killed_at"] < 2 * iterations(plan)
    # The hybrid adds up in an order of its own; the others are bit for bit the same.
    others = {"data-parallel": "blocked", "hybrid": "hybrid"}
    other = others.get(plan.params["strategy"], "data-parallel")
    undisturbed = mllib_py.ALS(**plan.params | {"strategy": other}).fit(data)
    with np.load(folder / f"{name}.npz") as factors:
        np.testing.assert_array_equal(factors["users"], undisturbed.user_factors_)
        np.testing.assert_array_equal(factors["items"], undisturbed.item_factors_)


def test_nothing_is_left_on_the_cluster(told: dict[str, Any]) -> None:
    assert told["left"] == {"persisted": 0, "shared": 0, "bytes": 0}


def test_no_checkpoint_is_left(spark: Any, told: dict[str, Any], checkpoints: str) -> None:
    assert list_files(f"{checkpoints}/*/*") == []
