"""What a study shows: a bar while it runs, one HTML file after it, and its plan before."""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from optuna.distributions import FloatDistribution

from mllib_py.tune import LocalBackend, Study, TrialPruned
from mllib_py.tune._report import timeline
from mllib_py.tune._simulated import SimulatedBackend

cloudpickle.register_pickle_by_value(sys.modules[__name__])

SPACE = {"x": FloatDistribution(-10, 10), "<kind>": ["a", "b"]}


@pytest.fixture(scope="module")
def two() -> Iterator[LocalBackend]:
    backend = LocalBackend(2)
    yield backend
    backend.close()


def objective(params: dict[str, Any], trial: Any) -> float:
    if trial.number == 3:
        raise ArithmeticError("<b>poison</b>")
    trial.report(abs(params["x"]), 1)
    if trial.number in (4, 6):
        raise TrialPruned
    return abs(params["x"])


def test_a_report_is_one_file_that_needs_nothing_else(two: LocalBackend, tmp_path: Path) -> None:
    study = Study(objective, SPACE, sampler="random", trials=20, random_state=0, backend=two)
    with pytest.raises(ValueError, match="run it first"):
        study.report(tmp_path / "r.html")
    study.run().report(tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert page.count("plotly.js v") <= 2  # its licence names it; the library is there once
    assert 4_000_000 < len(page) < 8_000_000
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", page)
    for title in ("History", "Parallel coordinates", "Importances", "Intermediate", "Slots"):
        assert f"<h2>{title}" in page
    assert "Not drawn" not in page
    assert "17 complete, 2 pruned, 1 failed" in page
    assert "&lt;b&gt;poison&lt;/b&gt;" in page
    assert "<b>poison</b>" not in page
    assert f"{study.best_value:.6g}" in page


def test_a_report_of_one_trial_says_what_it_cannot_draw(two: LocalBackend, tmp_path: Path) -> None:
    Study(abs_x, SPACE, sampler="random", trials=1, backend=two).run().report(tmp_path / "r.html")
    assert "Not drawn: " in (tmp_path / "r.html").read_text()


def test_a_report_of_several_objectives_has_their_front(two: LocalBackend, tmp_path: Path) -> None:
    study = Study(
        lambda p: (p["x"] ** 2, (p["x"] - 2) ** 2),
        SPACE,
        sampler="random",
        directions=["minimize", "maximize"],
        trials=8,
        backend=two,
    )
    study.run().report(tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert "<h2>Pareto front" in page
    assert "<h2>History of objective 1" in page


def abs_x(params: dict[str, Any]) -> float:
    return abs(params["x"])


def test_a_bar_tells_how_it_stands(two: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    study = Study(
        objective, SPACE, sampler="random", trials=20, random_state=0, backend=two, progress=True
    ).run()
    last = said.getvalue().split("\r")[-1]
    assert "20/20" in last
    assert f"best {study.best_value:.6g}, 0 running, 2 pruned, 1 failed" in last


def test_a_study_without_a_number_of_trials_tells_the_time_left(
    two: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    given: dict[str, Any] = {"sampler": "random", "backend": two, "progress": True}
    Study(slow, SPACE, timeout=4, **given).run()
    left = [int(s) for s in re.findall(r"(\d+) s left", said.getvalue())]
    assert left == sorted(left, reverse=True)
    assert 3 <= left[0] <= 4
    assert left[-1] <= 1
    Study(abs_x, SPACE, trials=1, timeout=99, **given).run()
    assert "99 s left" not in said.getvalue()


def slow(params: dict[str, Any]) -> float:
    time.sleep(0.2)
    return 1.0


def test_the_timeline_names_few_slots_of_many_and_each_of_few() -> None:
    backend = SimulatedBackend(128, 1.0)
    given: dict[str, Any] = {"sampler": "random", "random_state": 0, "backend": backend}
    many = Study(abs_x, SPACE, trials=300, **given).run()
    assert timeline(many.trials).layout.yaxis.dtick == 4
    few = Study(abs_x, SPACE, trials=300, parallelism=2, **given).run()
    assert timeline(few.trials).layout.yaxis.dtick == 1


def test_a_bar_goes_on_while_no_trial_ends(
    two: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    Study(slower, {"x": [1]}, sampler="grid", backend=two, progress=True).run()
    assert said.getvalue().count("0/1 trials, 1 running") >= 2


def slower(params: dict[str, Any]) -> float:
    time.sleep(4)
    return 1.0


def test_without_tqdm_the_bar_is_a_line(two: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    Study(abs_x, SPACE, sampler="random", trials=3, backend=two, progress=True).run()
    assert "3/3 trials, best " in said.getvalue()


@pytest.mark.parametrize(
    ("sampler", "said"),
    [
        ("tpe", "constant liar"),
        ("random", "do not depend"),
        ("cmaes", "generations do not wait"),
        ("nsga2", "generations do not wait"),
    ],
)
def test_a_plan_says_what_becomes_of_pending_trials(
    sampler: str, said: str, two: LocalBackend
) -> None:
    plan = Study(abs_x, {"x": SPACE["x"]}, sampler=sampler, trials=40, backend=two).explain()
    assert said in plan["pending"]
    assert (plan["parallelism"], plan["slots"], plan["trials"]) == (2, 2, 40)


# --- the simulated cluster ------------------------------------------------------------------------


def test_a_simulated_cluster_runs_on_its_own_clock() -> None:
    backend = SimulatedBackend(128, 3600.0)
    before, real = backend.clock.now(), time.monotonic()
    study = Study(abs_x, SPACE, sampler="random", trials=256, random_state=0, backend=backend)
    study.run()
    passed = backend.clock.now() - before
    assert study.tally.peak == 128
    assert 7200 <= passed < 7200 + time.monotonic() - real + 1
    assert backend.busy == 256 * 3600
    assert study.best_value == min(t.value for t in study.trials)


def test_a_simulated_study_has_a_time_limit_too() -> None:
    backend = SimulatedBackend(4, 10.0)
    study = Study(abs_x, SPACE, sampler="random", timeout=35, backend=backend).run()
    assert len(study.trials) == 12
    assert len(study.optuna.trials) == 16
    with pytest.raises(ValueError, match="takes no intermediate values"):
        Study(abs_x, SPACE, pruner="asha", trials=3, backend=backend).run()
