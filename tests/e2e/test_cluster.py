"""spark-submit on a real standalone cluster that reads from and writes to a real HDFS."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import dump_svmlight_file, make_blobs, make_classification
from support.standalone import answer, submit

import mllib_py
from mllib_py._session import JAR
from mllib_py.cluster import KMeans
from mllib_py.data import list_files, read_bytes, write_bytes
from mllib_py.linear import LogisticRegression

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "ratings.dat"
OPTIONS = ("--rank", "6", "--reg", "0.08", "--iterations", "4", "--seed", "3")


@pytest.fixture(scope="module")
def remote(spark: Any, hdfs_uri: str) -> str:
    """The sample on HDFS."""
    uri = f"{hdfs_uri}/movielens/ratings.dat"
    write_bytes(uri, SAMPLE.read_bytes())
    return uri


@pytest.fixture(scope="module")
def local(spark: Any) -> tuple[mllib_py.ALS, float]:
    """The same job in this session, in local mode."""
    ratings = mllib_py.ratings(SAMPLE)
    train, test = ratings.split([0.9, 0.1], seed=3)
    als = mllib_py.ALS(rank=6, reg=0.08, max_iter=4, random_state=3).fit(train)
    rmse = als.score(test)
    ratings.release()
    return als, rmse


def check(found: dict[str, Any], out: str, local: tuple[mllib_py.ALS, float]) -> None:
    """The cluster's answer and model are those of local mode."""
    als, rmse = local
    assert found["n_ratings"] == len(SAMPLE.read_bytes().splitlines())
    assert found["test_rmse"] == pytest.approx(rmse, abs=1e-6)
    loaded = mllib_py.load(out)
    np.testing.assert_array_equal(loaded.user_factors_, als.user_factors_)
    np.testing.assert_array_equal(loaded.item_factors_, als.item_factors_)


@pytest.mark.parametrize("strategy", ["data-parallel", "blocked"])
def test_python_job(
    master: str, hdfs_uri: str, remote: str, local: tuple[mllib_py.ALS, float], strategy: str
) -> None:
    out = f"{hdfs_uri}/models/python-{strategy}"
    script = str(ROOT / "examples" / "movielens_als.py")
    words = ("--data", remote, "--out", out, "--strategy", strategy, *OPTIONS)
    found = answer(submit(master, "--jars", str(JAR), script, *words))
    assert found["strategy"] == strategy
    check(found, out, local)


def test_scala_job(
    master: str, hdfs_uri: str, remote: str, local: tuple[mllib_py.ALS, float]
) -> None:
    out = f"{hdfs_uri}/models/scala"
    main = ("--class", "mllibpy.api.MovieLensAls", str(JAR))
    words = ("--data", remote, "--out", out, "--strategy", "broadcast", *OPTIONS)
    found = answer(submit(master, *main, *words))
    assert found["strategy"] == "broadcast"
    check(found, out, local)


def test_linear_job(master: str, hdfs_uri: str, spark: Any, tmp_path: Path) -> None:
    x, y = make_classification(500, 10, random_state=0, flip_y=0.1)
    dump_svmlight_file(x, y, str(tmp_path / "rows"), zero_based=False)
    data, out = f"{hdfs_uri}/linear/rows.libsvm", f"{hdfs_uri}/linear/scores"
    write_bytes(data, (tmp_path / "rows").read_bytes())
    script = str(ROOT / "examples" / "linear.py")
    found = answer(submit(master, "--jars", str(JAR), script, "--data", data, "--out", out))
    local = LogisticRegression().fit(x, y)
    assert found["accuracy"] == round(local.score(x, y), 4)
    assert abs(found["objective"] - local.report_["objective"]) < 1e-6
    scores = spark.read.parquet(out)
    assert scores.count() == 500
    assert scores.columns == ["label", "probability"]


def test_clustering_job(master: str, hdfs_uri: str, spark: Any, tmp_path: Path) -> None:
    x, _ = make_blobs(600, 5, centers=4, random_state=0)
    dump_svmlight_file(x, np.zeros(600), str(tmp_path / "rows"), zero_based=False)
    data, out = f"{hdfs_uri}/clustering/rows.libsvm", f"{hdfs_uri}/clustering/labelled"
    write_bytes(data, (tmp_path / "rows").read_bytes())
    script = str(ROOT / "examples" / "clustering.py")
    words = ("--data", data, "--out", out, "--clusters", "4")
    found = answer(submit(master, "--jars", str(JAR), script, *words))
    local = KMeans(4, n_init=5, random_state=0).fit(x)
    assert abs(found["inertia"] - local.inertia_) < 1e-6 * local.inertia_
    assert found["silhouette"] > 0.5
    labelled = spark.read.parquet(out)
    assert labelled.columns == ["features", "prediction"]
    assert labelled.groupBy("prediction").count().count() == 4


def test_a_job_with_a_bad_path_says_so_in_a_sentence(master: str, hdfs_uri: str) -> None:
    missing = f"{hdfs_uri}/no/such/file"
    script = str(ROOT / "examples" / "movielens_als.py")
    run = submit(master, "--jars", str(JAR), script, "--data", missing, "--out", "unused")
    lines = (run.stdout + run.stderr).splitlines()
    said = [line for line in lines if line.startswith("movielens_als:")]
    assert run.returncode == 2
    assert said == [f"movielens_als: there is no file at {missing}"]


def test_globs_and_gzip_on_hdfs(spark: Any, hdfs_uri: str) -> None:
    lines = SAMPLE.read_bytes().splitlines(keepends=True)
    write_bytes(f"{hdfs_uri}/parts/a.dat", b"".join(lines[:1000]))
    write_bytes(f"{hdfs_uri}/parts/b.dat.gz", gzip.compress(b"".join(lines[1000:3000])))
    ratings = mllib_py.ratings(f"{hdfs_uri}/parts/*.dat*")
    assert ratings.n_ratings == 3000
    ratings.release()
    assert [f.rsplit("/", 1)[1] for f in list_files(f"{hdfs_uri}/parts")] == ["a.dat", "b.dat.gz"]
    assert read_bytes(f"{hdfs_uri}/parts/b.dat.gz") == b"".join(lines[1000:3000])


def test_a_model_on_hdfs_that_was_altered_is_refused(
    hdfs_uri: str, local: tuple[mllib_py.ALS, float]
) -> None:
    uri = f"{hdfs_uri}/models/altered"
    local[0].save(uri)
    content = read_bytes(f"{uri}/item_factors.npy")
    write_bytes(f"{uri}/item_factors.npy", content[:-4] + b"\0\0\0\1")
    with pytest.raises(ValueError, match=r"item_factors\.npy is truncated or altered"):
        mllib_py.load(uri)


def test_answers_on_the_cluster_are_those_of_local_mode(
    master: str, hdfs_uri: str, spark: Any
) -> None:
    als = mllib_py.ALS(rank=4, max_iter=2, cold_start="popular").fit(SAMPLE)
    uri, out = f"{hdfs_uri}/models/asked", f"{hdfs_uri}/answers"
    als.save(uri)
    script = str(ROOT / "tests" / "support" / "asking.py")
    run = submit(master, "--jars", str(JAR), script, uri, out)
    assert run.returncode == 0, run.stderr[-3000:]

    def rows(name: str) -> list[tuple[Any, ...]]:
        return sorted(tuple(map(str, row)) for row in spark.read.parquet(f"{out}/{name}").collect())

    def expected(table: Any) -> list[tuple[str, ...]]:
        return sorted(tuple(map(str, row)) for row in table.collect())

    assert rows("best") == expected(als.recommend(k=5, output="spark"))
    first, some = int(als.user_ids_[0]), als.item_ids_[:40].tolist()
    choices = {"allow": {first: some}, "deny": als.item_ids_[:9]}
    chosen = als.recommend([first, -1], 5, output="spark", **choices)
    assert rows("chosen") == expected(chosen)
    assert {row[0] for row in rows("chosen")} == {str(first), "-1"}
    pairs = [(int(u), int(i)) for u in [*als.user_ids_[:20], -1] for i in als.item_ids_[:20]]
    frame = als.predict(spark.createDataFrame(pairs, "user long, item long"))
    assert rows("predicted") == expected(frame)
