"""The walk with Spark: what the stand-in cannot show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mllib_py
from mllib_py.cli import main

CHECKOUT = Path(__file__).parents[3]
ML_1M = CHECKOUT.parent / "shared" / "data" / "ml-1m"


def as_json(capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    capfd.readouterr()
    assert main(["movielens", "--json", *map(str, arguments)]) == 0
    found: dict[str, Any] = json.loads(capfd.readouterr().out)
    return found


@pytest.mark.usefixtures("spark")
def test_each_format_gives_the_same_films(
    tmp_path: Path, any_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    quick = ("--ranks", "2", "--regs", "0.05", "--iterations", "5", "--k", "3")
    quick += ("--out", str(tmp_path / "out"))
    found = as_json(capfd, "--data", any_folder, *quick)
    assert (found["n_ratings"], found["n_users"], found["n_movies"]) == (320, 40, 12)
    assert found["test_rmse"] < 0.7 * found["baseline_rmse"]
    assert [it["movie_id"] for it in found["recommendations"]] == FILMS


FILMS = [7, 11, 3]


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("split", ["random", "time"])
@pytest.mark.parametrize("strategy", ["broadcast", "data-parallel", "blocked", "hybrid"])
def test_the_sample_and_its_saved_model(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], strategy: str, split: str
) -> None:
    quick = ("--ranks", "8", "--regs", "0.06", "--strategy", strategy, "--split", split)
    found = as_json(capfd, *quick, "--out", tmp_path / "out")
    assert (found["n_ratings"], found["n_users"], found["n_movies"]) == (57_551, 900, 360)
    assert found["test_rmse"] < 0.66 * found["baseline_rmse"]
    assert found["strategy"] == strategy
    # The saved model knows you, what you rated, and says the same again.
    again = mllib_py.load(tmp_path / "out" / "model").recommend([0], k=10)
    assert [it["movie_id"] for it in found["recommendations"]] == again["item"].tolist()
    assert np.allclose([it["score"] for it in found["recommendations"]], again["score"])
    assert "<svg" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("spark")
def test_a_malformed_line_is_named_by_the_command(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with (folder / "ratings.dat").open("a") as ratings:
        ratings.write("1::two::3\n")
    assert main(["movielens", "--data", str(folder)]) == 2
    err = capfd.readouterr().err
    assert "321" in err
    assert "1::two::3" in err
    assert "Traceback" not in err


@pytest.mark.usefixtures("spark")
def test_a_folder_that_is_not_there_is_one_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["movielens", "--data", "nowhere"]) == 2
    assert "nowhere" in capfd.readouterr().err


@pytest.mark.e2e
def test_a_process_of_its_own_prints_one_object_and_nothing_else() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mllib_py", "movielens", "--json", "--ranks", "8", "--regs", "0.06"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        timeout=300,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 1
    assert json.loads(done.stdout)["test_rmse"] < 0.8


@pytest.mark.usefixtures("spark")
@pytest.mark.skipif(not ML_1M.is_dir(), reason="MovieLens 1M is not here")
def test_movielens_1m_is_as_good_as_promised(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = as_json(capfd, "--data", ML_1M, "--out", tmp_path / "out")
    assert (found["n_ratings"], found["n_users"], found["n_movies"]) == (1_000_209, 6040, 3706)
    assert found["test_rmse"] <= 0.855
    assert 1.11 < found["baseline_rmse"] < 1.13
