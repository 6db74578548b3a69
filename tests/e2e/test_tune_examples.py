"""The examples of tuning, run as a reader would run them, on this machine."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sklearn import ensemble
from support.standalone import answer, environment

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


def run(name: str, *words: object) -> dict[str, Any]:
    """Run an example of this checkout; the line of JSON that it prints."""
    command = [sys.executable, str(ROOT / "examples" / name), *map(str, words)]
    env = environment() | {"PYTHONPATH": str(ROOT)}
    return answer(subprocess.run(command, env=env, capture_output=True, text=True, check=False))


def test_a_search_finds_a_good_classifier() -> None:
    told = run("tune_search.py", "--candidates", 4, "--folds", 2)
    assert told["fits"] == 8
    assert told["score"] > 0.9
    assert set(told) >= {"C", "gamma", "slots"}


def test_a_study_writes_its_report_and_goes_on(tmp_path: Path) -> None:
    words = ("--storage", tmp_path / "study.db", "--report", tmp_path / "study.html")
    first = run("tune_study.py", *words, "--trials", 4)
    assert first["complete"] + first["pruned"] == 4
    assert "<html" in (tmp_path / "study.html").read_text(encoding="utf-8")
    second = run("tune_study.py", *words, "--trials", 6)
    assert second["complete"] + second["pruned"] == 6
    assert second["score"] >= first["score"] > 0.8


def test_a_forest_is_scikit_learns_and_scores_parquet_files(tmp_path: Path) -> None:
    told = run("tune_forest.py", "--rows", 2000, "--trees", 8, "--model", tmp_path / "forest.pkl",
               "--out", tmp_path / "scored")  # fmt: skip
    assert told["oob_score"] > 0.7
    assert sum(told["rows"].values()) == 20_000
    assert list((tmp_path / "scored").glob("*.parquet"))
    forest = pickle.loads((tmp_path / "forest.pkl").read_bytes())
    assert type(forest) is ensemble.RandomForestClassifier
    assert len(forest.estimators_) == 8
