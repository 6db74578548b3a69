"""The examples in the docstrings."""

from __future__ import annotations

import doctest
import importlib
from typing import Any

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "mllib_py._estimator",
        "mllib_py._factor_model",
        "mllib_py._layout",
        "mllib_py._linear",
        "mllib_py._matrix",
        "mllib_py._session",
        "mllib_py._sgd",
        "mllib_py._spec",
        "mllib_py.cluster",
        "mllib_py.data",
        "mllib_py.decomposition",
        "mllib_py.engine",
        "mllib_py.linear",
        "mllib_py.metrics",
        "mllib_py.plots",
        "mllib_py.recommendation",
        "mllib_py.serve",
        "mllib_py.tune._curve",
        "mllib_py.tune._local",
        "mllib_py.tune._models",
        "mllib_py.tune._scatter",
        "mllib_py.tune._spark",
        "mllib_py.tune._study_search",
        "mllib_py.tune._trial",
        "mllib_py.tune.elimination",
        "mllib_py.tune.encoder",
        "mllib_py.tune.forests",
        "mllib_py.tune.imbalance",
        "mllib_py.tune.multiclass",
        "mllib_py.tune.parallel",
        "mllib_py.tune.prediction",
        "mllib_py.tune.search",
        "mllib_py.tune.study",
        "mllib_py.tune.voting",
    ],
)
def test_the_examples_of_a_module_hold(name: str, spark: Any) -> None:
    module = importlib.import_module(name)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module):
        runner.run(test, out=said.append)
    result = runner.summarize(verbose=False)
    assert result.attempted > 0
    assert result.failed == 0, "".join(said)
