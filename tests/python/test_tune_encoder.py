"""A table's columns, each encoded by what it holds."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from mllib_py import tune

ROWS = 2000
RNG = np.random.default_rng(0)
WORDS = np.array(
    ["red", "blue", "green", "shoe", "hat", "coat", "old", "new", "cheap", "dear", "big", "small"]
)
FRAME = pd.DataFrame(
    {
        "age": np.where(RNG.random(ROWS) < 0.1, np.nan, RNG.normal(40, 10, ROWS)),
        "member": RNG.random(ROWS) < 0.3,
        "maybe": RNG.choice(np.array([True, False, None], dtype=object), ROWS),
        "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 900, ROWS), "D"),
        "town": RNG.choice(np.array(["Bonn", "Rome", "Oslo", None], dtype=object), ROWS),
        "grade": pd.Categorical(RNG.choice([3, 1, 2], ROWS)),
        "street": [f"street{i}" for i in RNG.integers(0, 200, ROWS)],
        "note": [" ".join(RNG.choice(WORDS, 6)) for _ in range(ROWS)],
        "key": [f"id{i}" for i in range(ROWS)],
        "same": 1,
        "empty": np.full(ROWS, None),
    }
)
STREET = FRAME["street"].map(
    dict(zip(FRAME["street"].unique(), RNG.normal(0, 2, 200), strict=False))
)
TARGET = (RNG.random(ROWS) < 1 / (1 + np.exp(-STREET - 2 * FRAME["note"].str.contains("red")))) * 1
WANTED = {
    "age": "number",
    "member": "flag",
    "maybe": "flag",
    "day": "date",
    "town": "one-hot",
    "grade": "one-hot",
    "street": "target",
    "note": "text",
    "key": "drop",
    "same": "drop",
    "empty": "drop",
}


def named(encoder: Any, found: Any) -> pd.DataFrame:
    values = found.toarray() if sparse.issparse(found) else found
    return pd.DataFrame(values, columns=encoder.get_feature_names_out())


def test_choices_by_what_columns_hold() -> None:
    encoder = tune.TableEncoder(random_state=0).fit(FRAME, TARGET)
    assert encoder.choices_ == WANTED
    assert tune.TableEncoder().fit(FRAME).choices_ == WANTED | {"street": "ordinal"}
    told = encoder.explain().set_index("column")
    assert told["encoding"].to_dict() == WANTED
    assert told.loc["street", "reason"] == "200 different values in 2000 rows"
    assert told.loc["key", "reason"] == "2000 different values in 2000 rows: a key"


def test_features_are_sparse_named_and_finite() -> None:
    encoder = tune.TableEncoder(size="large", random_state=0)
    found = encoder.fit_transform(FRAME, TARGET)
    assert sparse.issparse(found)
    assert np.isfinite(found.data).all()
    names = encoder.get_feature_names_out()
    assert found.shape == (ROWS, len(names)) == encoder.transform(FRAME).shape
    assert len(names) > 2**18
    small = tune.TableEncoder(size="small", random_state=0).fit(FRAME, TARGET)
    names = small.get_feature_names_out().tolist()
    assert names[:4] == ["age", "member", "maybe", "day"]
    assert {"town_Bonn", "town_None", "grade_3", "street", "note_red"} <= set(names)
    assert len(names) == small.transform(FRAME).shape[1] == 4 + 4 + 3 + 1 + len(WORDS)


def test_each_encoding_is_right() -> None:
    encoder = tune.TableEncoder(size="small", random_state=0).fit(FRAME, TARGET)
    found = named(encoder, encoder.transform(FRAME))
    assert found["age"].mean() == pytest.approx(0, abs=1e-9)
    assert found["age"][FRAME["age"].isna()].nunique() == 1
    assert (found["member"] == FRAME["member"]).all()
    assert (found["town_Rome"] == (FRAME["town"] == "Rome")).all()
    assert np.corrcoef(found["day"], FRAME["day"].astype("int64"))[0, 1] == pytest.approx(1)
    assert np.corrcoef(found["street"], STREET)[0, 1] > 0.8
    assert ((found["note_red"] > 0) == FRAME["note"].str.contains("red")).all()


def test_other_rows_and_unknown_values() -> None:
    encoder = tune.TableEncoder(random_state=0).fit(FRAME, TARGET)
    new = FRAME.iloc[:3].assign(town="Paris", street="nowhere", note=None, age=None, extra=1)
    found = named(encoder, encoder.transform(new[new.columns[::-1]].drop(columns="key")))
    assert (found.filter(like="town_") == 0).all(axis=None)
    assert (found.filter(like="note_") == 0).all(axis=None)
    assert np.isfinite(found).all(axis=None)


def test_it_clones_pickles_and_works_in_pipelines() -> None:
    made = tune.TableEncoder(size="small", max_one_hot=10, random_state=0)
    assert clone(made).get_params() == made.get_params()
    model = make_pipeline(made, LogisticRegression(max_iter=1000))
    scores = cross_val_score(model, FRAME, TARGET, cv=3, scoring="roc_auc")
    assert scores.min() > 0.75
    # Keys alone, by their target's mean, would be learnt by heart if they were not cross-fitted.
    keys = tune.TableEncoder(choices={"key": "target"}, random_state=0)
    assert len(np.unique(keys.fit_transform(FRAME[["key"]], TARGET))) <= 5
    assert len(np.unique(keys.transform(FRAME[["key"]]))) == 2
    model.fit(FRAME, TARGET)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(FRAME), model.predict_proba(FRAME))
    mixed = tune.TableEncoder(choices={"age": "drop", "town": "ordinal"}).fit(FRAME, TARGET)
    assert mixed.choices_ == WANTED | {"age": "drop", "town": "ordinal"}


@pytest.mark.parametrize(
    ("error", "call", "says"),
    [
        (TypeError, lambda e: e().fit(FRAME.to_numpy()), "X must be a pandas DataFrame, not nda"),
        (ValueError, lambda e: e(size="huge").fit(FRAME), "size must be one of 'small', 'medium'"),
        (ValueError, lambda e: e(max_one_hot=-1).fit(FRAME), "max_one_hot must be an integer"),
        (ValueError, lambda e: e(text_share=2).fit(FRAME), "text_share must be a number"),
        (ValueError, lambda e: e(choices={"z": "text"}).fit(FRAME), "choices names column 'z'"),
        (ValueError, lambda e: e(choices={"age": "x"}).fit(FRAME), r"choices\['age'\] must be one"),
        (ValueError, lambda e: e(choices={"town": "target"}).fit(FRAME), "'target', which needs y"),
        (ValueError, lambda e: e().fit(FRAME[["same", "empty"]]), "no column is left to encode"),
        (ValueError, lambda e: e().fit(FRAME[:0]), "the frame has no rows"),
        (ValueError, lambda e: e().fit(FRAME[["age", "age"]]), "two columns of the name 'age'"),
        (ValueError, lambda e: e().fit(pd.DataFrame([[1]])), "columns' names must be texts, not 0"),
        (
            ValueError,
            lambda e: e().fit(FRAME).transform(FRAME.drop(columns="town")),
            "column 'town', which the encoder was fitted on, is missing",
        ),
        (
            ValueError,
            lambda e: e().fit(pd.DataFrame({"a": [{"b": 1}, {}]})),
            "column 'a' has values of type dict",
        ),
        (
            ValueError,
            lambda e: e().fit(pd.DataFrame({"a": ["x", 1, "x"]})),
            "column 'a' has values of type int beside",
        ),
    ],
)
def test_bad_input_is_told_in_a_sentence(error: Any, call: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        call(tune.TableEncoder)
