"""Searches, studies, ensembles and predictions of scikit-learn's models over a cluster.

Names are imported when they are first asked for (PEP 562): Spark comes with its backend alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING

import joblib

if TYPE_CHECKING:
    from mllib_py.tune._backend import BackendGone, WorkerLost, WorkTimeout
    from mllib_py.tune._curve import LearningCurve, learning_curve
    from mllib_py.tune._local import LocalBackend
    from mllib_py.tune._models import MultiModelSearchCV
    from mllib_py.tune._scatter import scatter
    from mllib_py.tune._spark import DriverBackend, SparkBackend
    from mllib_py.tune._study_search import AshaSearchCV, HyperbandSearchCV, TPESearchCV
    from mllib_py.tune._trial import TrialPruned
    from mllib_py.tune.elimination import RFE, RFECV
    from mllib_py.tune.encoder import TableEncoder
    from mllib_py.tune.forests import (
        ExtraTreesClassifier,
        ExtraTreesRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
        RandomTreesEmbedding,
    )
    from mllib_py.tune.imbalance import NegativeDownsamplingClassifier
    from mllib_py.tune.multiclass import OneVsOneClassifier, OneVsRestClassifier
    from mllib_py.tune.parallel import JoblibBackend
    from mllib_py.tune.prediction import PredictionError, predict, prediction_errors
    from mllib_py.tune.search import (
        GridSearchCV,
        HalvingGridSearchCV,
        HalvingRandomSearchCV,
        RandomizedSearchCV,
    )
    from mllib_py.tune.study import Study
    from mllib_py.tune.voting import VotingClassifier, VotingRegressor

__all__ = [
    "RFE",
    "RFECV",
    "AshaSearchCV",
    "BackendGone",
    "DriverBackend",
    "ExtraTreesClassifier",
    "ExtraTreesRegressor",
    "GridSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "HyperbandSearchCV",
    "JoblibBackend",
    "LearningCurve",
    "LocalBackend",
    "MultiModelSearchCV",
    "NegativeDownsamplingClassifier",
    "OneVsOneClassifier",
    "OneVsRestClassifier",
    "PredictionError",
    "RandomForestClassifier",
    "RandomForestRegressor",
    "RandomTreesEmbedding",
    "RandomizedSearchCV",
    "SparkBackend",
    "Study",
    "TPESearchCV",
    "TableEncoder",
    "TrialPruned",
    "VotingClassifier",
    "VotingRegressor",
    "WorkTimeout",
    "WorkerLost",
    "learning_curve",
    "predict",
    "prediction_errors",
    "scatter",
]

_HOMES = {
    "AshaSearchCV": "_study_search",
    "BackendGone": "_backend",
    "DriverBackend": "_spark",
    "ExtraTreesClassifier": "forests",
    "ExtraTreesRegressor": "forests",
    "GridSearchCV": "search",
    "HalvingGridSearchCV": "search",
    "HalvingRandomSearchCV": "search",
    "HyperbandSearchCV": "_study_search",
    "JoblibBackend": "parallel",
    "LearningCurve": "_curve",
    "LocalBackend": "_local",
    "MultiModelSearchCV": "_models",
    "NegativeDownsamplingClassifier": "imbalance",
    "OneVsOneClassifier": "multiclass",
    "OneVsRestClassifier": "multiclass",
    "PredictionError": "prediction",
    "RFE": "elimination",
    "RFECV": "elimination",
    "RandomForestClassifier": "forests",
    "RandomForestRegressor": "forests",
    "RandomTreesEmbedding": "forests",
    "RandomizedSearchCV": "search",
    "SparkBackend": "_spark",
    "Study": "study",
    "TPESearchCV": "_study_search",
    "TableEncoder": "encoder",
    "TrialPruned": "_trial",
    "VotingClassifier": "voting",
    "VotingRegressor": "voting",
    "WorkTimeout": "_backend",
    "WorkerLost": "_backend",
    "learning_curve": "_curve",
    "predict": "prediction",
    "prediction_errors": "prediction",
    "scatter": "_scatter",
}

_EXTRA = ("cloudpickle", "optuna", "threadpoolctl")

if not TYPE_CHECKING:  # a type checker would take any name for one of ours

    def __getattr__(name: str) -> object:
        """Import a public name, and keep it."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            module = import_module(f"{__name__}.{_HOMES[name]}")
        except ModuleNotFoundError as error:
            if error.name not in _EXTRA:
                raise
            told = f"tune.{name} needs {error.name}: install it with pip install 'mllib-py[tune]'"
            raise ImportError(told) from None
        value = getattr(module, name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        """Return the public names, also those that were not asked for yet."""
        return sorted({*globals(), *__all__})


def _joblib_backend(**words: object) -> object:
    return import_module(f"{__name__}.parallel").JoblibBackend(**words)


# with joblib.parallel_config("mllib_py"): ...
joblib.register_parallel_backend("mllib_py", _joblib_backend)
