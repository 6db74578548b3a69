"""Studies on processes of this machine: what they find, and what they survive."""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState
from scipy import stats
from sklearn.model_selection import ParameterGrid

from mllib_py.tune import LocalBackend, Study, TrialPruned
from mllib_py.tune._samplers import at_once
from mllib_py.tune._space import Space

cloudpickle.register_pickle_by_value(sys.modules[__name__])

LINE = {"x": FloatDistribution(-10, 10)}


@pytest.fixture(scope="module")
def two() -> Iterator[LocalBackend]:
    """Two processes, which tests share."""
    backend = LocalBackend(2)
    yield backend
    backend.close()


def parabola(params: dict[str, Any]) -> float:
    return float((params["x"] - 3) ** 2)


# --- samplers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes", "nsga2", "gp"])
def test_a_sampler_finds_the_middle_of_a_parabola(sampler: str, two: LocalBackend) -> None:
    if sampler == "gp":
        pytest.importorskip("torch", reason="Gaussian processes need torch, which is 3 GB")
    study = Study(parabola, LINE, sampler=sampler, trials=60, random_state=0, backend=two).run()
    assert study.tally.complete == len(study.trials) == 60
    assert abs(study.best_params["x"] - 3) < 1
    assert study.best_value == pytest.approx(parabola(study.best_params))


def test_a_grid_tries_each_point_once(two: LocalBackend) -> None:
    space = {"a": [1, 2, 3], "b": IntDistribution(0, 4, step=2), "c": [None, "x"]}
    study = Study(lambda p: p["a"] * 10 + p["b"], space, sampler="grid", backend=two).run()
    points = [tuple(study.params_of(t).values()) for t in study.trials]
    assert sorted(points, key=repr) == sorted(
        [(a, b, c) for a in (1, 2, 3) for b in (0, 2, 4) for c in (None, "x")], key=repr
    )


SPACES = [{"kernel": ["linear"], "C": [1, 10]}, {"kernel": ["rbf"], "gamma": [0.1, 1]}, {}]


def given_back(params: dict[str, Any], trial: Any) -> float:
    trial.set_user_attr("given", params)
    return 1.0


def test_of_several_grids_each_point_is_tried_once(two: LocalBackend, tmp_path: Path) -> None:
    given: dict[str, Any] = {"sampler": "grid", "storage": tmp_path / "s.db", "backend": two}
    Study(given_back, SPACES, trials=2, **given).run()
    study = Study(given_back, SPACES, resume=True, **given).run()
    points = [t.user_attrs["given"] for t in study.trials]
    wanted = list(ParameterGrid(SPACES))
    assert sorted(map(repr, map(sorted, map(dict.items, points)))) == sorted(
        map(repr, map(sorted, map(dict.items, wanted)))
    )
    assert [study.params_of(t) for t in study.trials] == points


def test_of_several_spaces_one_is_drawn_for_each_trial(two: LocalBackend) -> None:
    spaces = [{"a": [1, 2]}, {"a": FloatDistribution(5, 6), "b": stats.randint(0, 9)}]
    study = Study(
        given_back, spaces, sampler="random", trials=40, random_state=0, backend=two
    ).run()
    points = [t.user_attrs["given"] for t in study.trials]
    small = [p for p in points if p["a"] < 5]
    assert 10 < len(small) < 30
    assert all(set(p) == {"a"} for p in small)
    assert all(set(p) == {"a", "b"} for p in points if p not in small)


def test_one_trial_at_a_time_and_the_same_state_give_the_same_trials(two: LocalBackend) -> None:
    drawn = []
    for _ in range(2):
        study = Study(parabola, LINE, trials=15, parallelism=1, random_state=7, backend=two).run()
        drawn.append([t.params["x"] for t in study.trials])
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 15


def test_several_objectives_have_a_front(two: LocalBackend) -> None:
    study = Study(
        lambda p: (p["x"] ** 2, (p["x"] - 2) ** 2),
        LINE,
        sampler="nsga2",
        directions=["minimize", "minimize"],
        trials=30,
        random_state=0,
        backend=two,
    ).run()
    assert study.best_trials
    with pytest.raises(ValueError, match="best_trials"):
        _ = study.best_params


def test_the_best_of_equals_is_the_first_not_the_one_that_ended_first(two: LocalBackend) -> None:
    def slow_first(params: dict[str, Any], trial: Any) -> float:
        time.sleep(0.5 if trial.number == 0 else 0)
        return 1.0

    study = Study(slow_first, LINE, sampler="random", trials=4, backend=two).run()
    assert study.best_trial.number == 0
    assert study.best_params == study.trials[0].params


def test_trials_that_run_are_known_to_the_sampler(two: LocalBackend) -> None:
    """Without a liar TPE would draw points beside each other while none has ended."""
    seen: list[list[FloatDistribution]] = []

    class Watching(optuna.samplers.TPESampler):
        def sample_relative(self, study: Any, trial: Any, space: Any) -> Any:
            trials = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            seen.append([t.params for t in trials if t.number != trial.number])
            return super().sample_relative(study, trial, space)

    Study(parabola, LINE, sampler=Watching(seed=0), trials=30, parallelism=2, backend=two).run()
    assert any(others and "x" in others[0] for others in seen)


# --- how many run at once -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sampler", "trials", "slots", "wanted"),
    [
        ("random", 100, 32, 32),
        ("grid", 100, 32, 32),
        ("tpe", 100, 32, 10),
        ("tpe", 100, 4, 4),
        ("tpe", 5, 4, 1),
        ("nsga2", 1000, 32, 32),
        ("gp", None, 32, 10),
    ],
)
def test_parallelism_is_about_a_tenth_of_the_trials(
    sampler: str, trials: int | None, slots: int, wanted: int
) -> None:
    assert at_once("auto", sampler, trials, 0, slots)[0] == wanted


class Growing(LocalBackend):
    """Starts with one slot; an executor joins with another."""

    joined = False

    @property
    def slots(self) -> int:
        return 2 if self.joined else 1


def test_slots_that_join_are_used() -> None:
    backend = Growing(2)
    threading.Timer(1.0, lambda: setattr(backend, "joined", True)).start()
    study = Study(
        lambda p: time.sleep(0.1) or p["x"], LINE, sampler="random", trials=30, backend=backend
    ).run()
    backend.close()
    slots = [t.user_attrs["run"]["slot"] for t in study.trials]
    assert slots[0] == 0
    assert study.tally.peak == 2
    assert set(slots) == {0, 1}


def test_blas_has_the_threads_of_a_trial(two: LocalBackend) -> None:
    def threads(params: dict[str, Any]) -> int:
        import numpy as np
        from threadpoolctl import threadpool_info

        np.ones((2, 2)) @ np.ones((2, 2))
        return max(i["num_threads"] for i in threadpool_info())

    for cores in (1, 2):
        study = Study(
            threads, LINE, sampler="random", trials=2, cores_per_trial=cores, backend=two
        ).run()
        assert study.best_value == cores
        assert study.tally.peak == 2 // cores


# --- intermediate values --------------------------------------------------------------------------


def curve(params: dict[str, Any], trial: Any) -> float:
    for step in range(1, 28):
        trial.report(abs(params["x"]) + 1 / step, step)
        if trial.should_prune():
            raise TrialPruned
    trial.set_user_attr("steps", step)
    return abs(params["x"])


@pytest.mark.parametrize("pruner", ["asha", "hyperband", "median"])
def test_weak_trials_are_ended_early_and_the_best_is_not(pruner: str, two: LocalBackend) -> None:
    study = Study(
        curve, LINE, sampler="random", pruner=pruner, trials=40, random_state=1, backend=two
    ).run()
    assert study.tally.pruned > 5
    assert study.tally.pruned + study.tally.complete == 40
    full = [t for t in study.trials if t.state == TrialState.COMPLETE]
    assert all(len(t.intermediate_values) == t.user_attrs["steps"] == 27 for t in full)
    cut = [t for t in study.trials if t.state == TrialState.PRUNED]
    assert sum(len(t.intermediate_values) < 27 for t in cut) > 5
    assert study.best_value == min(t.value for t in study.trials)


def test_optunas_own_exception_prunes_too(two: LocalBackend) -> None:
    def objective(params: dict[str, Any], trial: Any) -> float:
        trial.report(1.0, 3)
        raise optuna.TrialPruned

    study = Study(objective, LINE, sampler="random", trials=2, backend=two).run()
    assert [t.state for t in study.trials] == [TrialState.PRUNED] * 2
    assert study.trials[0].intermediate_values == {3: 1.0}
    with pytest.raises(ValueError, match=r"no trial of the study is complete; all .* were pruned"):
        _ = study.best_params


@pytest.mark.filterwarnings("ignore:no trial of the study is complete")
def test_an_error_of_several_lines_is_told_by_its_first(two: LocalBackend) -> None:
    def objective(params: dict[str, Any]) -> float:
        raise ValueError("X is wrong.\nThere is much to say of it.\n  At length.")

    study = Study(objective, LINE, sampler="random", trials=1, backend=two).run()
    with pytest.raises(ValueError, match=r"the first error: ValueError: X is wrong\.$"):
        _ = study.best_params


def test_a_bad_report_fails_its_trial_alone(two: LocalBackend) -> None:
    def objective(params: dict[str, Any], trial: Any) -> float:
        trial.report("much" if trial.number == 0 else 1.0, 1)
        return 1.0

    study = Study(objective, LINE, sampler="random", trials=3, backend=two).run()
    assert [t.state.name for t in study.trials] == ["FAIL", "COMPLETE", "COMPLETE"]
    assert "trial.report takes a number, not 'much'" in study.trials[0].user_attrs["error"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("model", object(), "is what JSON can hold, and 'model' is not: Object of type object"),
        ("loss", np.float32(1), "Object of type float32"),
        ("error", "mine", "the study keeps 'error' for itself"),
        ("dropped", True, "the study keeps 'dropped' for itself"),
        (3, 1, "names of user attributes are strings, not 3"),
    ],
)
def test_an_attribute_that_cannot_be_kept_fails_its_trial_alone(
    name: Any, value: Any, said: str, two: LocalBackend, tmp_path: Path
) -> None:
    def objective(params: dict[str, Any], trial: Any) -> float:
        trial.set_user_attr("kept", (1, [2.5, None]))
        if trial.number == 0:
            trial.set_user_attr(name, value)
        return 1.0

    study = Study(
        objective, LINE, sampler="random", trials=3, storage=tmp_path / "s.db", backend=two
    ).run()
    assert [t.state.name for t in study.trials] == ["FAIL", "COMPLETE", "COMPLETE"]
    assert said in study.trials[0].user_attrs["error"]
    assert study.trials[1].user_attrs["kept"] == [1, [2.5, None]]


# --- what goes wrong ------------------------------------------------------------------------------


def test_a_worker_that_dies_is_tried_again_and_counted_once(
    two: LocalBackend, tmp_path: Path
) -> None:
    def objective(params: dict[str, Any], trial: Any) -> float:
        trial.report(params["x"], 1)
        mark = tmp_path / f"died-{trial.number}"
        if trial.number in (1, 4) and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return float(params["x"])

    study = Study(objective, LINE, sampler="random", trials=8, backend=two).run()
    assert len(list(tmp_path.iterdir())) == 2
    assert study.tally.complete == len(study.trials) == len(study.optuna.trials) == 8
    assert study.tally.retried == 2
    attempts = {t.number: t.user_attrs["run"]["attempts"] for t in study.trials}
    assert attempts == {n: 2 if n in (1, 4) else 1 for n in range(8)}


def test_a_trial_that_always_kills_its_worker_fails(two: LocalBackend) -> None:
    def objective(params: dict[str, Any], trial: Any) -> float:
        if trial.number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return 1.0

    study = Study(objective, LINE, sampler="random", trials=5, retries=2, backend=two).run()
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 2 + ["FAIL"] + ["COMPLETE"] * 2
    assert "died" in study.trials[2].user_attrs["error"]
    assert "3 times" in study.trials[2].user_attrs["error"]


def test_a_trial_that_hangs_is_ended_and_the_others_go_on(two: LocalBackend) -> None:
    def objective(params: dict[str, Any], trial: Any) -> float:
        time.sleep(60 if trial.number == 1 else 0.01)
        return 1.0

    study = Study(objective, LINE, sampler="random", trials=6, trial_timeout=2, backend=two).run()
    states = [t.state.name for t in study.trials]
    assert states == ["COMPLETE", "FAIL", *["COMPLETE"] * 4]
    assert "more than 2 s" in study.trials[1].user_attrs["error"]
    assert all(t.user_attrs["run"]["attempts"] == 1 for t in study.trials if t.number != 1)


def test_a_study_whose_trials_all_fail_says_so(two: LocalBackend) -> None:
    study = Study(fails, {"x": [1, 2]}, sampler="grid", backend=two)
    with pytest.warns(UserWarning, match="no trial .* is complete; the first error: .*no such x"):
        study.run()
    assert study.tally.failed == 2


def fails(params: dict[str, Any]) -> float:
    raise ValueError("no such x")


def test_more_trials_at_once_than_slots_are_no_silent_wish(two: LocalBackend) -> None:
    study = Study(parabola, LINE, trials=2, sampler="random", parallelism=64, backend=two)
    with pytest.warns(UserWarning, match="parallelism is 64, and the slots are for 2 trials"):
        study.run()


def test_a_poisoned_trial_keeps_its_error(two: LocalBackend) -> None:
    class Odd(Exception):
        """One that cannot be unpickled."""

        def __init__(self, a: int, b: int) -> None:
            super().__init__(f"{a} is not {b}")

    def objective(params: dict[str, Any], trial: Any) -> float:
        if trial.number == 0:
            raise Odd(1, 2)
        return 1.0

    study = Study(objective, LINE, sampler="random", trials=3, backend=two).run()
    assert study.tally.failed == 1
    assert study.tally.complete == 2
    assert "1 is not 2" in study.trials[0].user_attrs["error"]
    assert "in objective" in study.trials[0].user_attrs["error"]


@pytest.mark.filterwarnings("ignore:no trial of the study is complete")
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (math.nan, "the objective returned NaN, which cannot be compared"),
        (None, "the objective must return a number, not None"),
        ("12a", "the objective must return a number, not '12a'"),
        ((1.0, 2.0), "the objective returned 2 values, and there are 1"),
    ],
)
def test_a_value_that_is_none_fails_the_trial_with_a_sentence(
    value: Any, said: str, two: LocalBackend
) -> None:
    study = Study(lambda p: value, LINE, sampler="random", trials=2, backend=two).run()
    assert [t.user_attrs["error"] for t in study.trials] == [said] * 2
    with pytest.raises(ValueError, match="no trial of the study is complete"):
        _ = study.best_value


def test_the_time_is_up_for_what_runs_too(two: LocalBackend) -> None:
    start = time.monotonic()
    study = Study(
        lambda p: time.sleep(p["x"]) or 1.0,
        {"x": [0.01, 60]},
        sampler="grid",
        timeout=3,
        backend=two,
    ).run()
    assert time.monotonic() - start < 30
    states = {t.params["x"]: t.state.name for t in study.optuna.trials}
    assert states == {0.01: "COMPLETE", 60: "FAIL"}
    assert [t.params["x"] for t in study.trials] == [0.01]


# --- spaces ---------------------------------------------------------------------------------------


def test_spaces_of_scipy_and_scikit_learn() -> None:
    tuples = [(1, 2), (3,)]
    space = Space(
        {
            "u": stats.uniform(1, 2),
            "l": stats.loguniform(1e-3, 10),
            "r": stats.randint(2, 9),
            "n": stats.norm(5, 2),
            "p": stats.poisson(4),
            "c": np.array([0.1, 1.0]),
            "t": tuples,
        }
    )
    found = space.distributions
    assert found["u"] == FloatDistribution(1, 3)
    assert found["l"] == FloatDistribution(1e-3, 10, log=True)
    assert found["r"] == IntDistribution(2, 8)
    assert found["c"] == CategoricalDistribution([0.1, 1.0])
    drawn = {"u": 2.0, "l": 1.0, "r": 3, "n": 0.5, "p": 0.5, "c": 0.1}
    got = space.decode(drawn | {"t": found["t"].choices[1]})  # type: ignore[attr-defined]
    assert got["n"] == pytest.approx(5)
    assert (got["p"], type(got["p"])) == (4, int)
    assert got["t"] is tuples[1]


def test_a_quantile_is_what_the_distribution_says(two: LocalBackend) -> None:
    study = Study(
        lambda p: p["x"],
        {"x": stats.expon(scale=3)},
        sampler="random",
        trials=200,
        random_state=0,
        backend=two,
    ).run()
    values = [study.params_of(t)["x"] for t in study.trials]
    assert stats.kstest(values, stats.expon(scale=3).cdf).pvalue > 0.01


# --- bad input ------------------------------------------------------------------------------------


class Locked:
    def __init__(self) -> None:
        self.lock = threading.Lock()

    def __call__(self, params: Any) -> float:
        return 1.0


class NoBackend:
    """One that no work may come to."""

    slots = 2

    def slots_for(self, cores: int) -> int:
        return cores

    def submit(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a job was run")

    scatter = close = submit


LOCK = threading.Lock()


def locks(params: dict[str, Any]) -> float:
    with LOCK:
        return 1.0


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"space": {}}, ValueError, "the space is empty"),
        ({"space": {"x": []}}, ValueError, r"space\['x'\] has no values"),
        ({"space": [3]}, TypeError, "must be a dictionary"),
        ({"space": "x"}, TypeError, "must be a dictionary"),
        ({"space": []}, ValueError, "the space is empty"),
        ({"space": [LINE]}, ValueError, "a list of spaces is for sampler='grid' or 'random'"),
        ({"space": [LINE], "sampler": "grid"}, ValueError, "a grid needs a list of values for 'x"),
        ({"space": {"x": "abc"}}, TypeError, "an Optuna distribution, a list of values or"),
        ({"space": {1: [2]}}, TypeError, "names of parameters are strings"),
        ({"objective": 3}, TypeError, "must be a function or an estimator"),
        ({"objective": lambda: 1}, TypeError, r"must take \(params\) or \(params, trial\)"),
        ({"objective": Locked()}, TypeError, "cannot be pickled"),
        ({"objective": locks}, TypeError, "because of 'LOCK', which it .* backend='driver'"),
        ({"sampler": "annealing"}, ValueError, "sampler must be one of 'grid'"),
        ({"pruner": "shears"}, ValueError, "pruner must be one of 'asha'"),
        ({"sampler": "grid"}, ValueError, "a grid needs a list of values for 'x'"),
        ({"sampler": "cmaes", "space": {"x": [1, 2]}}, ValueError, "moves numbers"),
        ({"trials": 0}, ValueError, "trials must be an integer of at least 1"),
        ({"trials": None}, ValueError, "needs trials or timeout"),
        ({"timeout": -1}, ValueError, "timeout must be a number above 0"),
        ({"trial_timeout": "1"}, ValueError, "trial_timeout must be a number"),
        ({"parallelism": 0}, ValueError, "parallelism must be an integer"),
        ({"cores_per_trial": 1.5}, ValueError, "cores_per_trial must be an integer"),
        ({"retries": -1}, ValueError, "retries must be an integer"),
        ({"direction": "up"}, ValueError, "direction must be one of"),
        ({"directions": []}, ValueError, "names at least one"),
        ({"directions": ["minimize"] * 2, "pruner": "asha"}, ValueError, "one objective only"),
        ({"directions": ["minimize"] * 2, "sampler": "cmaes"}, ValueError, "one objective only"),
        ({"storage": "x.txt"}, ValueError, "must end with .db"),
        ({"storage": "/nowhere/x.db"}, ValueError, "a folder that does not exist"),
        ({"storage": 3}, TypeError, "storage must be None, a path or a URL"),
        ({"random_state": -1}, ValueError, "random_state must be an integer"),
        ({"X": [[1]]}, ValueError, "X is for an estimator"),
        ({"epochs": 3}, ValueError, "epochs is for an estimator"),
    ],
)
def test_bad_input_is_one_sentence(change: Any, error: Any, said: str) -> None:
    given: dict[str, Any] = {"objective": parabola, "space": LINE, "trials": 3} | change
    with pytest.raises(error, match=said):
        Study(given.pop("objective"), given.pop("space"), **given, backend=NoBackend())


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"cores_per_trial": 3}, ValueError, "cores_per_trial is 3, and there are 2 slots"),
        ({"backend": "cloud"}, ValueError, "backend must be None, 'spark', 'local'"),
    ],
)
def test_bad_input_to_a_backend_is_one_sentence_before_any_job(
    change: Any, error: Any, said: str
) -> None:
    study = Study(parabola, LINE, trials=3, **({"backend": NoBackend()} | change))
    with pytest.raises(error, match=said):
        study.run()


def test_a_pruner_without_a_trial_to_report_to_is_told() -> None:
    with pytest.warns(UserWarning, match=r"the pruner ends no trial: .*\(params, trial\)"):
        Study(parabola, LINE, sampler="random", pruner="asha", trials=1, backend="local")


def test_going_on_needs_a_storage() -> None:
    given: dict[str, Any] = {"sampler": "random", "trials": 1, "backend": "local"}
    with pytest.raises(ValueError, match=r"resume=True goes on with a study of a storage: give"):
        Study(parabola, LINE, resume=True, **given)
    with pytest.raises(TypeError, match="resume must be True or False, not 'yes'"):
        Study(parabola, LINE, resume="yes", **given)
