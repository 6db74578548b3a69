"""The README's make commands, run for real (`make test` is what runs this)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """Run make as a user would, not as a part of the make that runs the tests."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *words], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def test_make_movielens_recommends_films(tmp_path: Path) -> None:
    words = f"ARGS=--json --out {tmp_path} --ranks 8 --regs 0.1 --iterations 3"
    run = make("--silent", "movielens", words)
    assert run.returncode == 0, run.stderr
    answer = json.loads(run.stdout.splitlines()[-1])
    assert answer["test_rmse"] < answer["baseline_rmse"]
    assert len(answer["recommendations"]) == 10
    assert (tmp_path / "report.html").exists()


def test_make_docs_builds_the_pages() -> None:
    run = make("docs")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "ALS" in (ROOT / "docs/_build/html/als.html").read_text(encoding="utf-8")


def test_make_bench_runs_what_it_names() -> None:
    run = make("bench", "ARGS=--repeats 1 --strategies data-parallel")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "times_faster" in run.stdout


def test_make_says_what_there_is() -> None:
    run = make()
    assert run.returncode == 0
    assert "movielens" in run.stdout
