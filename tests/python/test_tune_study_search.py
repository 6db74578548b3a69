"""Searches on studies keep scikit-learn's contract."""

from __future__ import annotations

import pickle
import sys
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import cloudpickle
import numpy as np
import optuna
import pytest
import scipy.sparse
from optuna.distributions import FloatDistribution
from scipy.stats import loguniform, randint
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GroupKFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

from mllib_py import ALS, linear, tune
from mllib_py.tune import AshaSearchCV, HyperbandSearchCV, LocalBackend, Study, TPESearchCV
from mllib_py.tune._fitting import problem
from mllib_py.tune._scatter import HeldHandle
from mllib_py.tune._simulated import SimulatedBackend
from mllib_py.tune._trial import Trial

cloudpickle.register_pickle_by_value(sys.modules[__name__])

X, y = load_breast_cancer(return_X_y=True)
X, y = X[::3], y[::3]
SPACE = {"logisticregression__C": FloatDistribution(1e-3, 1e3, log=True)}
SEARCHES = [AshaSearchCV, HyperbandSearchCV, TPESearchCV]


def pipeline() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression())


@pytest.fixture(scope="module")
def two() -> Iterator[LocalBackend]:
    backend = LocalBackend(2)
    yield backend
    backend.close()


@pytest.mark.parametrize("make", SEARCHES)
def test_it_is_an_estimator_that_pickles_without_its_backend(make: Any, two: LocalBackend) -> None:
    search = make(pipeline(), SPACE, n_trials=12, cv=3, random_state=0, backend=two)
    assert clone(search).get_params()["n_trials"] == 12
    with pytest.raises(NotFittedError):
        search.predict(X)
    assert search.fit(X, y) is search
    again = pickle.loads(pickle.dumps(search))
    assert again.backend is None
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))
    assert search.score(X, y) == search.best_estimator_.score(X, y)
    assert search.classes_.tolist() == [0, 1]
    assert search.n_features_in_ == X.shape[1]
    assert not hasattr(search, "transform")
    held = pickle.dumps(search)
    assert b"LocalBackend" not in held
    assert b"optuna" not in held.replace(b"optuna.distributions", b"")


def test_scores_are_cross_val_scores_to_the_last_bit(two: LocalBackend) -> None:
    search = TPESearchCV(
        pipeline(), SPACE, n_trials=6, return_train_score=True, random_state=0, backend=two
    ).fit(X, y)
    table = search.cv_results_
    for row, params in enumerate(table["params"]):
        wanted = cross_validate(pipeline().set_params(**params), X, y, return_train_score=True)
        for i in range(5):
            assert table[f"split{i}_test_score"][row] == wanted["test_score"][i]
            assert table[f"split{i}_train_score"][row] == wanted["train_score"][i]
        assert table["mean_test_score"][row] == pytest.approx(wanted["test_score"].mean(), abs=0)
    assert search.best_score_ == table["mean_test_score"].max()
    assert table["params"][search.best_index_] == search.best_params_
    assert table["rank_test_score"][search.best_index_] == 1
    assert table["param_logisticregression__C"][0] == table["params"][0]["logisticregression__C"]
    assert {"mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time"} <= set(table)


def test_several_metrics(two: LocalBackend) -> None:
    given = {"scoring": ["accuracy", "neg_log_loss"], "n_trials": 5, "backend": two}
    search = TPESearchCV(pipeline(), SPACE, refit="neg_log_loss", **given).fit(X, y)
    assert search.best_score_ == search.cv_results_["mean_test_neg_log_loss"].max()
    assert (search.cv_results_["mean_test_accuracy"] > 0.5).all()
    assert search.score(X, y) < 0
    with pytest.raises(ValueError, match="refit must name the one that counts"):
        TPESearchCV(pipeline(), SPACE, **given).fit(X, y)


def both(model: Any, X: Any, y: Any) -> dict[str, float]:
    right = float(model.score(X, y))
    return {"accuracy": right, "errors": -(1 - right)}


def test_a_callable_may_score_by_several_metrics(two: LocalBackend) -> None:
    given: dict[str, Any] = {"scoring": both, "n_trials": 4, "random_state": 0, "backend": two}
    search = TPESearchCV(pipeline(), SPACE, refit="errors", **given).fit(X, y)
    table = search.cv_results_
    assert search.multimetric_
    assert search.best_score_ == table["mean_test_errors"].max() < 0
    assert table["mean_test_accuracy"].max() > 0.5
    assert search.score(X, y) == both(search.best_estimator_, X, y)["errors"]
    free = TPESearchCV(pipeline(), SPACE, refit=False, **given).fit(X, y)
    assert free.cv_results_["mean_test_accuracy"].max() > 0.5
    assert not hasattr(free, "best_index_")


@pytest.mark.parametrize("refit", [True, "beauty"])
def test_a_callable_whose_metric_is_not_named_ends_the_search_at_once(
    refit: Any, two: LocalBackend, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"parallelism": 1, "storage": tmp_path / "s.db", "backend": two}
    with pytest.raises(ValueError, match="the metrics accuracy, errors, and none of them is named"):
        TPESearchCV(pipeline(), SPACE, scoring=both, refit=refit, n_trials=9, **given).fit(X, y)
    stored = optuna.load_study(study_name="study", storage=f"sqlite:///{tmp_path / 's.db'}")
    assert len(stored.trials) == 1


@pytest.mark.parametrize("scoring", [None, ["neg_log_loss", "accuracy"], {"accuracy"}, both])
def test_refit_may_choose_the_best_itself(scoring: Any, two: LocalBackend) -> None:
    seen: list[Any] = []

    def last(table: dict[str, Any]) -> int:
        seen.append(table)
        return len(table["params"]) - 1

    given: dict[str, Any] = {"scoring": scoring, "n_trials": 4, "backend": two}
    search = TPESearchCV(pipeline(), SPACE, refit=last, **given).fit(X, y)
    assert seen == [search.cv_results_]
    assert search.best_index_ == 3
    assert search.best_params_ == search.cv_results_["params"][3]
    assert (
        search.best_estimator_.get_params()["logisticregression__C"]
        == (search.best_params_["logisticregression__C"])
    )
    assert not hasattr(search, "best_score_")
    assert search.score(X, y) is not None
    for index, error in ((4, IndexError), (1.0, TypeError)):
        with pytest.raises(error, match="refit"):
            TPESearchCV(pipeline(), SPACE, refit=lambda _, i=index: i, **given).fit(X, y)


@pytest.fixture
def routing() -> Iterator[None]:
    with config_context(enable_metadata_routing=True):
        yield


WEIGHTS = np.random.default_rng(0).integers(0, 4, len(y)).astype(float)
GROUPS = np.arange(len(y)) % 7


@pytest.mark.parametrize("several", [False, True])
def test_metadata_are_routed_as_scikit_learn_does(
    several: bool, routing: None, two: LocalBackend
) -> None:
    """To the fit, the scorer and the splitter, each what it asks for."""
    model = LogisticRegression(max_iter=5000).set_fit_request(sample_weight=True)
    weighted = make_scorer(accuracy_score).set_score_request(sample_weight=True)
    plain = make_scorer(accuracy_score).set_score_request(sample_weight=False)
    scoring = {"weighted": weighted, "plain": plain} if several else weighted
    params = {"sample_weight": WEIGHTS, "groups": GROUPS}
    given: dict[str, Any] = {"scoring": scoring, "cv": GroupKFold(3), "return_train_score": True}
    search = TPESearchCV(
        model,
        {"C": [1e-3]},
        refit="weighted" if several else True,
        n_trials=1,
        backend=two,
        **given,
    ).fit(X, y, **params)
    wanted = cross_validate(clone(model).set_params(C=1e-3), X, y, params=params, **given)
    for name in ("weighted", "plain") if several else ("score",):
        for i in range(3):
            for kind in ("test", "train"):
                found = search.cv_results_[f"split{i}_{kind}_{name}"][0]
                assert found == wanted[f"{kind}_{name}"][i]
    alone = clone(model).set_params(C=1e-3).fit(X, y, sample_weight=WEIGHTS)
    np.testing.assert_array_equal(search.best_estimator_.coef_, alone.coef_)
    right = accuracy_score(y, alone.predict(X), sample_weight=WEIGHTS)
    assert search.score(X, y, sample_weight=WEIGHTS) == right != search.score(X, y)


def test_metadata_that_nobody_asks_for_are_refused(routing: None, two: LocalBackend) -> None:
    search = TPESearchCV(LogisticRegression(), {"C": [1.0]}, n_trials=1, backend=two)
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        search.fit(X, y, sample_weight=WEIGHTS)


def test_metadata_go_to_partial_fit_where_that_learns(routing: None, two: LocalBackend) -> None:
    model = SGDClassifier(random_state=0).set_partial_fit_request(sample_weight=True)
    scorer = make_scorer(accuracy_score).set_score_request(sample_weight=False)
    search = AshaSearchCV(
        model, {"alpha": [1e-3]}, scoring=scorer, epochs=2, n_trials=1, backend=two
    ).fit(X, y, sample_weight=WEIGHTS)
    alone = clone(model).set_params(alpha=1e-3)
    for _ in range(2):
        alone.partial_fit(X, y, sample_weight=WEIGHTS, classes=[0, 1])
    np.testing.assert_array_equal(search.best_estimator_.coef_, alone.coef_)


def test_parameters_that_not_all_candidates_have_are_masked(two: LocalBackend) -> None:
    spaces = [{"kernel": ["linear"]}, {"kernel": ["rbf"], "gamma": [0.1, 1.0]}]
    search = AshaSearchCV(SVC(), spaces, n_trials=12, cv=2, random_state=0, backend=two)
    table = search.fit(X, y).cv_results_
    linear_ones = np.array([p == {"kernel": "linear"} for p in table["params"]])
    assert 0 < linear_ones.sum() < 12
    np.testing.assert_array_equal(table["param_gamma"].mask, linear_ones)
    assert not table["param_kernel"].mask.any()
    with pytest.raises(ValueError, match="names no parameter of the estimator"):
        AshaSearchCV(SVC(), [{"C": [1]}, {"D": [1]}], backend=two).fit(X, y)


def test_a_tuple_is_one_value_of_a_parameter(two: LocalBackend) -> None:
    ranges = [(0, 1), (0, 2)]
    search = TPESearchCV(
        make_pipeline(MinMaxScaler(), SVC()),
        {"minmaxscaler__feature_range": ranges},
        n_trials=5,
        random_state=0,
        backend=two,
    ).fit(X, y)
    column = search.cv_results_["param_minmaxscaler__feature_range"]
    assert column.shape == (5,)
    assert set(column.tolist()) == set(ranges)


def test_a_score_takes_metadata_with_routing_alone(two: LocalBackend) -> None:
    search = TPESearchCV(SVC(), {"C": [1.0]}, n_trials=1, backend=two).fit(X, y)
    with pytest.raises(ValueError, match="sample_weight with metadata routing alone"):
        search.score(X, y, sample_weight=WEIGHTS)


class Moody(ClassifierMixin, BaseEstimator):
    """Fails, or scores NaN, or is right."""

    def __init__(self, mood: str = "good") -> None:
        self.mood = mood

    def fit(self, X: Any, y: Any) -> Moody:
        if self.mood == "bad":
            raise ArithmeticError("not today")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X), dtype=int)


def test_a_candidate_that_fails_does_not_end_the_search(two: LocalBackend) -> None:
    space = {"mood": ["good", "bad"]}
    given = {"n_trials": 8, "random_state": 3, "backend": two}
    search = TPESearchCV(Moody(), space, **given).fit(X, y)
    states = search.cv_results_["state"]
    assert set(states) == {"complete", "fail"}
    assert np.isnan(search.cv_results_["mean_test_score"][states == "fail"]).all()
    assert (search.cv_results_["rank_test_score"][states == "complete"] == 1).all()
    assert search.best_params_ == {"mood": "good"}
    with pytest.raises(ValueError, match=r"no trial .* not today"):
        TPESearchCV(Moody(), {"mood": ["bad"]}, n_trials=2, backend=two).fit(X, y)


@pytest.mark.parametrize("make", SEARCHES)
def test_a_search_that_raises_succeeds_where_nothing_fails(make: Any, two: LocalBackend) -> None:
    search = make(Moody(), {"mood": ["good"]}, n_trials=3, error_score="raise", backend=two)
    assert search.fit(X, y).cv_results_["state"].tolist() == ["complete"] * 3


def test_a_search_that_raises_ends_with_the_first_error(two: LocalBackend, tmp_path: Path) -> None:
    given: dict[str, Any] = {"n_trials": 30, "error_score": "raise", "parallelism": 1}
    given |= {"storage": tmp_path / "s.db", "backend": two, "random_state": 0}
    with pytest.raises(ArithmeticError, match="not today"):
        AshaSearchCV(Moody(), {"mood": ["bad"]}, **given).fit(X, y)
    stored = optuna.load_study(study_name="study", storage=f"sqlite:///{tmp_path / 's.db'}")
    assert [t.state.name for t in stored.trials] == ["FAIL"]
    assert "not today" in stored.trials[0].user_attrs["error"]


def test_the_best_of_equals_is_the_first_in_all_attributes(two: LocalBackend) -> None:
    space = {"C": FloatDistribution(1, 2)}
    search = AshaSearchCV(
        SVC(), space, scoring=constant, n_trials=12, cv=2, random_state=0, backend=two
    ).fit(X, y)
    table = search.cv_results_
    assert search.best_index_ == table["state"].tolist().index("complete")
    assert search.best_params_ == table["params"][search.best_index_]
    assert search.best_estimator_.get_params()["C"] == search.best_params_["C"]
    assert search.best_score_ == table["mean_test_score"][search.best_index_] == 0.5


def constant(model: Any, X: Any, y: Any) -> float:
    return 0.5


# --- learning in steps ----------------------------------------------------------------------------


LEARNERS = {
    "partial_fit": (SGDClassifier(random_state=0), {"alpha": loguniform(1e-6, 10)}),
    "trees": (RandomForestClassifier(18, random_state=0), {"max_depth": randint(1, 6)}),
    "boosting": (
        HistGradientBoostingClassifier(max_iter=18, random_state=0),
        {"learning_rate": loguniform(1e-3, 1)},
    ),
    "iterations": (
        LogisticRegression(max_iter=18),
        {"C": loguniform(1e-6, 10)},
    ),
}


@pytest.mark.parametrize("kind", LEARNERS)
def test_learners_report_each_step_and_weak_ones_end_early(kind: str, two: LocalBackend) -> None:
    estimator, space = LEARNERS[kind]
    scaled = MinMaxScaler().fit_transform(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no warning comes to the driver
        search = AshaSearchCV(
            estimator, space, n_trials=12, epochs=9, cv=2, random_state=1, backend=two
        ).fit(scaled, y)
    states, steps = search.cv_results_["state"], search.cv_results_["n_resources"]
    assert set(states) == {"complete", "pruned"}
    assert (steps[states == "complete"] == 9).all()
    assert (steps[states == "pruned"] < 9).all()
    assert search.best_score_ > 0.6
    assert search.score(scaled, y) > 0.6


def test_a_forest_in_steps_is_the_forest(two: LocalBackend) -> None:
    """The last step's scores are those of all trees grown at once."""
    forest = RandomForestClassifier(16, random_state=0)
    study = Study(
        forest,
        {"max_depth": [2]},
        sampler="grid",
        epochs=4,
        cv=3,
        X=X,
        y=y,
        backend=two,
        pruner="median",
    ).run()
    trial = study.trials[0]
    assert sorted(trial.intermediate_values) == [1, 2, 3, 4]
    wanted = cross_val_score(clone(forest).set_params(max_depth=2), X, y, cv=3).mean()
    assert trial.value == wanted
    assert trial.intermediate_values[4] == wanted


def test_splits_are_steps_without_epochs(two: LocalBackend) -> None:
    search = AshaSearchCV(pipeline(), SPACE, n_trials=15, cv=4, random_state=0, backend=two).fit(
        X, y
    )
    table = search.cv_results_
    cut = table["state"] == "pruned"
    assert cut.any()
    assert np.isnan(table["split3_test_score"][cut]).all()
    assert not np.isnan(table["split0_test_score"]).any()


class Counting(ClassifierMixin, BaseEstimator):
    """Tells how many copies of rows live while one is fitted."""

    rows: ClassVar[list[Any]] = []
    most: ClassVar[int] = 0

    def fit(self, X: Any, y: Any) -> Counting:
        self.classes_ = np.unique(y)
        Counting.rows.append(weakref.ref(X))
        Counting.most = max(Counting.most, sum(r() is not None for r in Counting.rows))
        return self

    def predict(self, X: Any) -> Any:
        Counting.rows.append(weakref.ref(X))
        return np.zeros(len(X), dtype=int)


def test_a_worker_holds_the_rows_of_one_fold() -> None:
    objective, _ = problem(Counting(), X, y, cv=10).objective(SimulatedBackend(1, 0.0), False)
    assert objective({}, Trial(0, 1, {}, None)) > 0
    assert len(Counting.rows) == 20
    assert Counting.most <= 2  # of this fold, and the one before it until the name is given anew


# --- data -----------------------------------------------------------------------------------------


def test_frames_sparse_rows_groups_and_weights(two: LocalBackend) -> None:
    import pandas as pd

    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    groups = np.arange(len(y)) % 5
    given = {"n_trials": 3, "random_state": 0, "backend": two}
    named = TPESearchCV(pipeline(), SPACE, cv=GroupKFold(5), **given)
    named.fit(frame, pd.Series(y), groups=groups)
    assert named.feature_names_in_[1] == "c1"
    wanted = cross_val_score(
        pipeline().set_params(**named.best_params_), X, y, groups=groups, cv=GroupKFold(5)
    )
    assert named.best_score_ == pytest.approx(wanted.mean(), abs=1e-12)

    sparse = TPESearchCV(SVC(kernel="linear"), {"C": [0.1, 1.0]}, cv=2, **given)
    weights = np.ones(len(y))
    sparse.fit(scipy.sparse.coo_array(X / X.max(axis=0)), y, sample_weight=weights)
    assert sparse.best_score_ > 0.8

    kernel = TPESearchCV(SVC(kernel="precomputed"), {"C": [0.1, 1.0]}, cv=2, **given)
    assert kernel.fit(X @ X.T, y).best_score_ > 0.8


def test_lengths_that_differ_are_refused_before_anything_is_sent(two: LocalBackend) -> None:
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        tune.scatter(np.eye(4), [0, 1], backend=two)


@pytest.mark.parametrize("make", [list, np.asarray])
def test_scattered_data_come_by_their_handle(make: Any, two: LocalBackend) -> None:
    groups = np.arange(len(y)) % 5
    given: dict[str, Any] = {"cv": GroupKFold(5), "random_state": 0, "backend": two}
    plain = TPESearchCV(pipeline(), SPACE, n_trials=3, **given).fit(X, y, groups=groups)
    handle = two.scatter(make(X), make(y), groups)
    search = TPESearchCV(pipeline(), SPACE, n_trials=3, **given).fit(handle)
    assert search.cv_results_["params"] == plain.cv_results_["params"]
    for name in ("mean_test_score", "split4_test_score"):
        np.testing.assert_array_equal(search.cv_results_[name], plain.cv_results_[name])
    np.testing.assert_array_equal(search.predict(X), plain.predict(X))
    study = Study(pipeline(), SPACE, trials=3, X=handle, **given).run()
    assert study.best_value == plain.best_score_
    assert len(handle.get()) == 3  # it is its owner's to release
    handle.release()
    with pytest.raises(RuntimeError, match="were released"):
        search.fit(handle)


def test_a_study_takes_one_metric() -> None:
    with pytest.raises(ValueError, match=r"takes one metric in scoring, not \['accuracy'\]"):
        Study(SVC(), {"C": [1]}, X=X, y=y, trials=1, scoring=["accuracy"])


def test_regression_without_a_step(two: LocalBackend) -> None:
    data, target = load_diabetes(return_X_y=True)
    search = TPESearchCV(
        Ridge(),
        {"alpha": loguniform(1e-4, 1)},
        scoring="neg_mean_absolute_error",
        n_trials=5,
        refit=False,
        backend=two,
    ).fit(data, target)
    assert search.best_score_ < 0
    with pytest.raises(AttributeError, match="refit=False"):
        search.predict(data)


OWN = linear.LogisticRegression()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scoring": "beauty"}, "beauty"),
        ({"X": HeldHandle((X, y, None))}, "a handle has its y and groups"),
        ({"X": HeldHandle((X, y)), "y": None}, r"takes the handle of tune.scatter\(X, y, groups\)"),
        ({"estimator": OWN}, "LogisticRegression is fitted by Spark jobs of its own"),
        ({"estimator": make_pipeline(OWN), "param_distributions": {"steps": [1]}}, "Spark jobs of"),
        (
            {"estimator": pipeline(), "param_distributions": {"logisticregression": [OWN]}},
            "LogisticRegression is fitted by Spark jobs of its own",
        ),
        ({"estimator": ALS()}, "a search over ALS takes ratings alone"),
        ({"epochs": 5}, "SVC has no partial_fit"),
        ({"epochs": 0, "estimator": SGDClassifier()}, "epochs must be an integer"),
        ({"param_distributions": {"D": [1]}}, "names no parameter of the estimator"),
        ({"param_distributions": {}}, "the space is empty"),
        ({"refit": 1.5}, "refit must be a bool, a name or a callable, not 1.5"),
        ({"scoring": ["accuracy"], "refit": "r2"}, "refit must name the one that counts"),
        ({"n_trials": 0}, "n_trials must be an integer"),
        ({"error_score": "keep"}, "error_score must be"),
    ],
)
def test_bad_input_is_one_sentence_before_any_job(change: Any, said: str) -> None:
    class NoBackend:
        slots = 2

        def submit(self, *_: Any, **__: Any) -> Any:
            raise AssertionError("a job was run")

        scatter = close = submit

    given = {"estimator": SVC(), "param_distributions": {"C": [1, 2]}} | change
    data = [given.pop("X", X), given.pop("y", y)]
    with pytest.raises(ValueError, match=said):
        TPESearchCV(**given, backend=NoBackend()).fit(*data)


@pytest.mark.parametrize("scoring", ["acuracy", ["f1", "acuracy"], {"a": "acuracy"}])
def test_a_metric_that_does_not_exist_is_told_with_one_that_does(scoring: Any) -> None:
    said = r"scoring names the metric 'acuracy', which does not exist \(did you mean 'accuracy'\?\)"
    model, space = LogisticRegression(), {"C": [1.0]}
    given: dict[str, Any] = {"scoring": scoring, "backend": "local"}
    fits = [
        lambda: TPESearchCV(model, space, refit=False, **given).fit(X, y),
        lambda: tune.GridSearchCV(model, space, refit=False, **given).fit(X, y),
        lambda: tune.learning_curve(model, X, y, **given),
        lambda: tune.RFECV(model, **given).fit(X, y),
    ]
    if isinstance(scoring, str):
        fits.append(lambda: Study(model, space, X=X, y=y, **given))
    for fit in fits:
        with pytest.raises(ValueError, match=said):
            fit()
