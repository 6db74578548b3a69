"""Decompositions on a real standalone cluster: from HDFS, and with an executor that dies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import dump_svmlight_file
from support.standalone import answer, run_script, submit

from mllib_py._session import JAR
from mllib_py.data import write_bytes
from mllib_py.decomposition import svd

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


def test_a_job_from_hdfs(master: str, hdfs_uri: str, spark: Any, tmp_path: Path) -> None:
    x = sp.random(400, 30, 0.2, format="csr", random_state=0)
    dump_svmlight_file(x, np.arange(400), str(tmp_path / "rows"), zero_based=False)
    data, out = f"{hdfs_uri}/svd/rows.libsvm", f"{hdfs_uri}/svd/left"
    write_bytes(data, (tmp_path / "rows").read_bytes())
    script = str(ROOT / "examples" / "svd.py")
    words = ("--data", data, "--out", out, "--center")
    found = answer(submit(master, "--jars", str(JAR), script, *words))
    local = svd(x, 5, center=True)
    np.testing.assert_allclose(found["s"], local.s, rtol=1e-9)
    assert found["certificate"]["holds"]
    told = spark.read.parquet(out).orderBy("label").toPandas()
    left = np.stack(told["u"].to_list())
    np.testing.assert_allclose(left, local.U, atol=1e-7)
    assert np.linalg.norm(left.T @ left - np.eye(5)) < 1e-12


def test_an_executor_killed_in_a_fit_changes_nothing(master: str) -> None:
    told = run_script("long_svd.py", master)
    assert 5 <= told["killed_at"] < told["passes"]
    assert told["same"]
    assert told["right"]
    assert told["left"] == 0
