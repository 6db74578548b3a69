"""A study whose driver is killed, or stopped by Ctrl-C, goes on where it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState
from sklearn.svm import SVC
from support.processes import wait_for

from mllib_py.tune import BackendGone, LocalBackend, Study
from mllib_py.tune._storage import begin, opened, take_up

TESTS = Path(__file__).parents[1]
TRIALS = 12


def start(storage: Path, folder: Path, backend: str, seconds: float) -> subprocess.Popen[str]:
    words = [str(storage), str(folder), backend, str(TRIALS), str(seconds)]
    return subprocess.Popen(
        [sys.executable, str(TESTS / "support" / "long_study.py"), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lives(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def trials_in(storage: Path) -> list[Any]:
    return optuna.load_study(study_name="study", storage=opened(storage)).get_trials()


@pytest.mark.parametrize(
    ("backend", "suffix", "how"),
    [
        ("local", "db", signal.SIGKILL),
        ("local", "db", signal.SIGINT),
        ("local", "journal", signal.SIGKILL),
        ("local", "journal", signal.SIGINT),
        ("driver", "db", signal.SIGINT),
        ("driver", "journal", signal.SIGKILL),
    ],
)
def test_a_study_goes_on_after_its_driver(
    backend: str, suffix: str, how: signal.Signals, tmp_path: Path
) -> None:
    folder = tmp_path / "begun"
    folder.mkdir()
    storage = tmp_path / f"s.{suffix}"
    driver = start(storage, folder, backend, 0.5)
    wait_for(lambda: len(list(folder.iterdir())) >= 5, "the fifth trial", 60)
    os.kill(driver.pid, how)
    _, said = driver.communicate(timeout=60)
    workers = {int(p.name.split("-")[1]) for p in folder.iterdir()}
    wait_for(lambda: not any(map(lives, workers)), "the end of its processes", 30)
    left = trials_in(storage)
    running = [t.number for t in left if t.state == TrialState.RUNNING]
    complete = [t.number for t in left if t.state == TrialState.COMPLETE]
    assert 3 <= len(complete) < TRIALS
    if how == signal.SIGINT:
        assert "KeyboardInterrupt" in said
        assert running == []
        stopped = [t for t in left if t.state == TrialState.FAIL]
        assert 1 <= len(stopped) <= 2
        assert all("stopped" in t.user_attrs["error"] for t in stopped)
    else:
        assert driver.returncode == -signal.SIGKILL
        assert 1 <= len(running) <= 2

    again = start(storage, folder, backend, 0.01)
    out, said = again.communicate(timeout=120)
    assert again.returncode == 0, said
    told = json.loads(out.splitlines()[-1])
    assert told["ended"] == TRIALS
    assert told["best"] == 0
    assert told["tally"]["complete"] == TRIALS
    now = trials_in(storage)
    assert all(t.state in (TrialState.COMPLETE, TrialState.FAIL) for t in now)
    # Each point is complete once: what was complete was not run again, what was lost was.
    values = [t.value for t in now if t.state == TrialState.COMPLETE]
    assert sorted(values) == list(range(TRIALS))
    assert len(now) == TRIALS + len(left) - len(complete)


def lost(storage: Path) -> optuna.Study:
    """Return a study with a trial that a dead driver left."""
    study = begin(storage, "study", ["minimize"], True)
    study.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
    return study


def test_a_trial_that_drivers_die_of_is_not_tried_for_ever(tmp_path: Path) -> None:
    storage = tmp_path / "s.journal"
    space = {"x": optuna.distributions.FloatDistribution(0, 1)}
    backend = LocalBackend(1)
    given: dict[str, Any] = {"storage": storage, "sampler": "random", "backend": backend}
    lost(storage)
    study = Study(abs_x, space, trials=1, resume=True, retries=0, **given).run()
    assert study.tally.failed == len(study.trials) == 1
    again = Study(abs_x, space, trials=2, resume=True, retries=0, **given).run()
    backend.close()
    assert [t.state.name for t in again.trials] == ["FAIL", "COMPLETE"]


def test_a_study_of_another_space_is_not_gone_on_with(tmp_path: Path) -> None:
    backend = LocalBackend(1)
    given: dict[str, Any] = {"storage": tmp_path / "s.db", "sampler": "random", "backend": backend}
    Study(abs_x, X, trials=2, **given).run()
    for space, names in (({"z": [5, 6]}, "z"), ({**X, "z": [5]}, "x, z")):
        with pytest.raises(ValueError, match=f"has trials of x, and the space has {names}: give"):
            Study(abs_x, space, trials=4, resume=True, **given).run()
    backend.close()


STORAGES = ("s.db", "s.journal")
X = {"x": optuna.distributions.FloatDistribution(0, 1)}


@pytest.mark.parametrize("file", STORAGES)
def test_a_driver_that_dies_before_a_trial_has_parameters_loses_nothing(
    file: str, tmp_path: Path
) -> None:
    storage, backend = tmp_path / file, LocalBackend(1)
    study = begin(storage, "study", ["minimize"], True)
    study.ask()
    study.ask(X)  # of two parameters it has one
    given: dict[str, Any] = {"storage": storage, "sampler": "random", "backend": backend}
    space = {**X, "y": [1, 2]}
    found = Study(abs_x, space, trials=4, resume=True, retries=0, **given).run()
    backend.close()
    assert found.tally.complete == found.tally.ended == len(found.trials) == 4
    assert [t.number for t in found.trials] == [2, 3, 4, 5]


@pytest.mark.parametrize("file", STORAGES)
def test_a_point_that_had_no_parameters_yet_is_tried(file: str, tmp_path: Path) -> None:
    storage, backend = tmp_path / file, LocalBackend(1)
    study = begin(storage, "study", ["minimize"], True)
    study.enqueue_trial({"x": 1, "y": 1}, user_attrs={"point": 0})
    study.ask()
    space = {"x": [1, 2], "y": [1, 2]}
    given: dict[str, Any] = {"storage": storage, "sampler": "grid", "backend": backend}
    found = Study(abs_x, space, resume=True, **given).run()
    backend.close()
    points = [tuple(t.params.values()) for t in found.trials]
    assert sorted(points) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert found.tally.complete == 4


@pytest.mark.parametrize("file", STORAGES)
def test_a_trial_that_was_to_be_tried_again_is_not_forgotten(file: str, tmp_path: Path) -> None:
    """Two drivers died: one in the trial, the next when it had taken it up, and no more."""
    storage, backend = tmp_path / file, LocalBackend(1)
    lost_value = lost(storage).trials[0].params["x"]
    study = begin(storage, "study", ["minimize"], True)
    assert take_up(study, 1, X) == 1
    study.ask()
    given: dict[str, Any] = {"storage": storage, "sampler": "random", "backend": backend}
    found = Study(abs_x, X, trials=1, resume=True, retries=1, **given).run()
    backend.close()
    assert [t.params["x"] for t in found.trials] == [lost_value]
    assert found.tally.complete == 1


class Closing(LocalBackend):
    """Is closed when it is given its third piece of work."""

    given = 0

    def submit(self, work: Any, **words: Any) -> Any:
        self.given += 1
        if self.given == 3:
            threading.Timer(0.5, self.close).start()
        return super().submit(work, **words)


def test_trials_of_a_backend_that_was_closed_are_tried_again(tmp_path: Path) -> None:
    given: dict[str, Any] = {"sampler": "grid", "storage": tmp_path / "s.db"}
    space = {"x": [0, 1, 2, 3]}
    slow = Study(lambda p: time.sleep(20 * p["x"]) or p["x"], space, backend=Closing(2), **given)
    with pytest.raises(BackendGone, match=r"the backend was closed .* resume=True goes on"):
        slow.run()
    assert [t.state.name for t in slow.trials] == ["COMPLETE"]
    backend = LocalBackend(1)
    again = Study(abs_x, space, resume=True, backend=backend, **given).run()
    backend.close()
    assert sorted(t.value for t in again.trials) == [0, 1, 2, 3]
    assert again.tally.failed == 0


def abs_x(params: dict[str, Any]) -> float:
    return abs(params["x"])


def test_choices_without_a_lasting_name_are_known_again(tmp_path: Path) -> None:
    """A function, and an object whose class says nothing of it, have an address for a name."""

    class Plain:
        pass

    backend = LocalBackend(1)
    given: dict[str, Any] = {"sampler": "random", "storage": tmp_path / "s.db", "backend": backend}
    for trials in (2, 4):
        space = {"how": [lambda: 1.0, Plain(), [Plain()]], "model": [SVC(C=3)]}
        study = Study(lambda p: 1.0, space, trials=trials, resume=True, **given).run()
    backend.close()
    assert study.tally.complete == 4
    choices = study.trials[0].distributions["how"].choices
    assert choices == ("0: function", "1: Plain", "2: list")
    assert study.trials[0].params["model"] == "0: SVC(C=3)"


def test_a_study_is_not_overwritten_and_not_begun_in_another_direction(tmp_path: Path) -> None:
    storage = tmp_path / "s.db"
    given: dict[str, Any] = {"storage": storage, "sampler": "grid", "backend": LocalBackend(1)}
    Study(abs, {"x": [1]}, **given).run()
    with pytest.raises(ValueError, match="has a study 'study' of 1 trials already: resume=True"):
        Study(abs, {"x": [1]}, **given).run()
    with pytest.raises(ValueError, match=r"has the directions \['minimize'\]"):
        Study(abs, {"x": [1]}, resume=True, direction="maximize", **given).run()
    given["backend"].close()


def test_a_study_that_goes_on_does_not_draw_its_first_trials_again(tmp_path: Path) -> None:
    space = {"x": optuna.distributions.FloatDistribution(0, 1)}
    backend = LocalBackend(1)
    for trials in (5, 10):
        study = Study(
            abs_x,
            space,
            sampler="random",
            trials=trials,
            storage=tmp_path / "s.db",
            resume=True,
            random_state=0,
            backend=backend,
        ).run()
    backend.close()
    assert len({t.params["x"] for t in study.trials}) == 10
