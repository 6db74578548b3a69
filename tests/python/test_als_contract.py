"""ALS keeps to its spec and to scikit-learn's conventions."""

from __future__ import annotations

import inspect
import pickle
import re
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from support.refusal import refused
from support.small import stars

from mllib_py import ALS, _spec

SPEC = _spec.parameters("als")
HINTS = {"int": "int", "float": "float", "bool": "bool", "str": "str", "choice": "str"}


def signature() -> dict[str, inspect.Parameter]:
    return {n: p for n, p in inspect.signature(ALS.__init__).parameters.items() if n != "self"}


def documented() -> dict[str, tuple[str, str]]:
    """Parameters as the docstring tells them: name -> (type line, text), without citations."""
    doc = inspect.getdoc(ALS)
    assert doc is not None
    section = doc.split("Parameters\n----------\n")[1].split("\n\n")[0]
    found = re.findall(r"^(\w+) : (.*)\n((?:    .*\n?)+)", section, re.MULTILINE)
    return {
        name: (kind, " ".join(re.sub(r"\s+\[\d+\]_", "", text).replace("``", "`").split()))
        for name, kind, text in found
    }


def rendered(p: dict[str, Any]) -> str:
    if p["type"] == "choice":
        kind = "{" + ", ".join(f'"{c}"' for c in p["choices"]) + "}"
    else:
        kind = p["type"] + (" or None" if p.get("optional") else "")
    default = f'"{p["default"]}"' if isinstance(p["default"], str) else repr(p["default"])
    return f"{kind}, default={default}"


def test_the_signature_is_the_specs_in_its_order() -> None:
    assert list(signature()) == list(SPEC)


def test_all_parameters_are_keyword_only() -> None:
    assert {p.kind for p in signature().values()} == {inspect.Parameter.KEYWORD_ONLY}
    with pytest.raises(TypeError):
        ALS(20)  # type: ignore[misc]


def test_the_docstring_has_the_specs_parameters_in_its_order() -> None:
    assert list(documented()) == list(SPEC)


@pytest.mark.parametrize("name", SPEC)
def test_a_parameter_is_as_the_spec_says(name: str) -> None:
    p = SPEC[name]
    parameter = signature()[name]
    assert parameter.default == p["default"]
    assert type(parameter.default) is type(p["default"])
    assert parameter.annotation == HINTS[p["type"]] + (" | None" if p.get("optional") else "")
    assert documented()[name] == (rendered(p), p["doc"])


def test_parameters_are_got_and_set() -> None:
    als = ALS(rank=3)
    assert als.get_params() == {n: p["default"] for n, p in SPEC.items()} | {"rank": 3}
    assert als.set_params(reg=0.5, strategy="blocked") is als
    assert (als.rank, als.reg, als.strategy) == (3, 0.5, "blocked")


def test_an_unknown_parameter_is_refused_and_nothing_else_is_set() -> None:
    als = ALS()
    with refused(ValueError, "ALS has no parameter 'ranks'", "rank"):
        als.set_params(rank=7, ranks=3)
    assert als.rank == 10


def test_a_clone_has_the_parameters_and_not_the_fit(spark: Any) -> None:
    als = ALS(rank=2, max_iter=1, random_state=5).fit(stars())
    copy = clone(als)
    assert copy.get_params() == als.get_params()
    assert not hasattr(copy, "history_")


def test_repr_shows_what_differs_from_the_defaults() -> None:
    assert repr(ALS()) == "ALS()"
    text = repr(ALS(rank=20, tol=1e-3, user_col="u"))
    assert text == "ALS(rank=20, tol=0.001, user_col='u')"
    assert eval(text).get_params() == ALS(rank=20, tol=1e-3, user_col="u").get_params()


def test_an_unfitted_als_pickles() -> None:
    als = pickle.loads(pickle.dumps(ALS(rank=4, implicit=True)))
    assert als.get_params() == ALS(rank=4, implicit=True).get_params()


def test_a_fitted_als_says_how_to_keep_it(spark: Any) -> None:
    als = ALS(rank=2, max_iter=1).fit(stars())
    with refused(TypeError, "save", "mllib_py.load"):
        pickle.dumps(als)


def test_fit_returns_the_estimator_and_leaves_its_parameters(spark: Any) -> None:
    als = ALS(rank=np.int64(2), reg=np.float32(0.5), max_iter=1)
    before = als.get_params()
    assert als.fit(stars()) is als
    assert als.get_params() == before


def test_a_second_fit_forgets_the_first(spark: Any) -> None:
    als = ALS(rank=2, max_iter=1).fit(stars(n_users=5))
    assert als.user_factors_.shape == (5, 2)
    als.set_params(rank=3).fit(stars(n_users=8))
    assert als.user_factors_.shape == (8, 3)


USES = {
    "predict": lambda als: als.predict([1], [2]),
    "recommend": lambda als: als.recommend(),
    "score": lambda als: als.score(([1], [2], [3.0])),
    "save": lambda als: als.save("nowhere"),
    "user_factors_": lambda als: als.user_factors_,
    "item_factors_": lambda als: als.item_factors_,
    "user_ids_": lambda als: als.user_ids_,
    "item_ids_": lambda als: als.item_ids_,
    "factors_frame": lambda als: als.factors_frame("user"),
}


@pytest.mark.parametrize("use", USES)
def test_what_needs_a_fit_says_so(use: str) -> None:
    with refused(ValueError, "not fitted yet", "fit"):
        USES[use](ALS())
