"""Which Spark sessions we work in, and what is said of the others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.small import stars

import mllib_py
from mllib_py import ALS, _session

ROOT = Path(__file__).parents[2]


def is_one_sentence(error: BaseException) -> bool:
    return "\n" not in str(error) and error.__cause__ is None


# --- Spark Connect


def test_a_connect_session_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_REMOTE", "sc://localhost")
    with pytest.raises(
        RuntimeError, match=r"cannot use a Spark Connect session.*SPARK_REMOTE"
    ) as e:
        mllib_py.session()
    assert is_one_sentence(e.value)
    with pytest.raises(RuntimeError, match="Spark Connect"):
        ALS().fit(stars())


def test_a_connect_session_is_refused_beside_a_running_one(
    spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ALS(max_iter=1).fit(stars())  # what is kept of the running session must not be used then
    monkeypatch.setenv("SPARK_REMOTE", "sc://localhost")
    with pytest.raises(RuntimeError, match="Spark Connect"):
        ALS().fit(stars())


class ConnectFrame:
    """What a DataFrame of Spark Connect looks like from outside."""

    rdd = None


ConnectFrame.__module__ = "pyspark.sql.connect.dataframe"


def test_a_connect_frame_is_refused(spark: Any) -> None:
    with pytest.raises(RuntimeError, match="Spark Connect session") as e:
        mllib_py.ratings(ConnectFrame())
    assert is_one_sentence(e.value)


# --- settings of a session that we start


def settings(**arguments: Any) -> dict[str, str]:
    return _session._settings(
        arguments.get("master"), arguments.get("memory"), arguments.get("conf", {})
    )


def test_the_default_is_local_with_most_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    found = settings()
    assert found["spark.master"] == "local[*]"
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
    assert 0.5 * whole < float(found["spark.driver.memory"].removesuffix("m")) < 0.7 * whole
    assert str(_session.JAR) in found["spark.driver.extraClassPath"]


def test_what_the_caller_sets_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    conf = {
        "spark.master": "local[3]",
        "spark.driver.memory": "3g",
        "spark.ui.enabled": "true",
        "spark.driver.extraJavaOptions": "-Dmine=1",
        "spark.driver.extraClassPath": "/mine.jar",
        "spark.x": "y",
    }
    found = settings(conf=conf)
    merged = {"spark.driver.extraJavaOptions", "spark.driver.extraClassPath"}
    assert {k: found[k] for k in conf.keys() - merged} == {
        k: v for k, v in conf.items() if k not in merged
    }
    assert found["spark.driver.extraJavaOptions"].endswith("-Dmine=1")
    assert found["spark.driver.extraClassPath"] == f"{_session.JAR}{os.pathsep}/mine.jar"
    assert settings(master="local[1]", conf=conf)["spark.driver.memory"] == "3g"
    assert settings(memory="2g")["spark.driver.memory"] == "2g"


def test_executors_of_a_cluster_are_sent_the_jar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    found = settings(master="spark://host:7077")
    assert found["spark.jars"] == str(_session.JAR)
    assert "spark.driver.memory" not in found
    assert "spark.driver.host" not in found


def test_spark_submits_settings_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    found = settings()
    assert not {"spark.master", "spark.jars", "spark.driver.memory"} & found.keys()


# --- a session that somebody else started

FOREIGN = """
import sys
from pyspark.sql import SparkSession
builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
for setting in sys.argv[1:]:
    builder = builder.config(*setting.split("=", 1))
spark = builder.getOrCreate()
import mllib_py
try:
    same = mllib_py.session() is spark
    als = mllib_py.ALS(rank=2, max_iter=1).fit(([1, 1, 2], [5, 6, 5], [1.0, 2.0, 3.0]))
    print(same, als.n_iter_)
except RuntimeError as e:
    print(type(e).__name__, e)
"""


def foreign(*settings: str) -> str:
    """What a program prints that uses us in a session of its own."""
    done = subprocess.run(
        [sys.executable, "-c", FOREIGN, "spark.driver.memory=512m", *settings],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.spark
def test_a_session_without_the_jar_is_told_how_to_add_it() -> None:
    said = foreign()
    assert said.startswith("RuntimeError the running Spark session does not have mllib_py's jar")
    assert f'.config("spark.jars", "{_session.JAR}")' in said
    assert "spark-submit --jars" in said
    assert len(said.splitlines()) == 1


@pytest.mark.spark
def test_a_session_with_the_jar_is_used_as_it_is() -> None:
    """The remedy that the error names."""
    assert foreign(f"spark.jars={_session.JAR}") == "True 1"
