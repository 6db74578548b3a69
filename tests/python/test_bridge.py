"""Crossing to the JVM: parameters, arrays, texts, errors."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.refusal import refused

import mllib_py
from mllib_py import MLlibError, _arrays, _bridge


def test_numpy_scalars_become_json() -> None:
    params = {"rank": np.int32(3), "reg": np.float64(0.5), "implicit": np.True_, "tol": None}
    assert _bridge.to_json(params) == '{"rank": 3, "reg": 0.5, "implicit": true, "tol": null}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("-inf")])
def test_a_parameter_that_is_not_finite_is_refused(value: float) -> None:
    with refused(ValueError, "reg must be a finite number"):
        _bridge.to_json({"reg": value})


@pytest.mark.parametrize("value", [object(), np.zeros(2), {1, 2}])
def test_a_parameter_of_no_plain_kind_is_refused(value: Any) -> None:
    with refused(TypeError, "rank must be a plain value"):
        _bridge.to_json({"rank": value})


def test_a_shared_file_is_deleted_with_its_kin() -> None:
    with _arrays.shared_file(100) as path:
        path.write_bytes(b"x")
        kin = path.with_name(path.name + ".out")
        kin.write_bytes(b"y")
    assert not path.exists()
    assert not kin.exists()


def test_a_shared_file_is_deleted_after_an_error() -> None:
    seen: list[Path] = []

    def fail() -> None:
        with _arrays.shared_file(1) as path:
            path.write_bytes(b"x")
            seen.append(path)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not seen[0].exists()


def test_texts_are_written_as_they_are_read(tmp_path: Path) -> None:
    texts = ["", "a", "é", "日本", "\U0001f3ac", "with, comma", 'with "quotes"', "two\nlines"]
    path = tmp_path / "texts"
    _arrays.write_arrays(path, _arrays.text_arrays(texts))
    assert _arrays.read_texts(path, len(texts)).tolist() == texts


def test_arrays_are_written_in_c_order(tmp_path: Path) -> None:
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    _arrays.write_arrays(tmp_path / "a", [np.asfortranarray(a), a[:, ::2]])
    assert np.fromfile(tmp_path / "a", dtype=np.float32).tolist() == [0, 1, 2, 3, 4, 5, 0, 2, 3, 5]


def test_what_bad_input_does_not_explain_is_one_sentence_with_a_trace_aside(spark: Any) -> None:
    with pytest.raises(MLlibError) as caught:
        _bridge.call("readFile", "nosuchscheme://x/y", -1, "/dev/null")
    assert "\n" not in str(caught.value)
    assert "nosuchscheme" in str(caught.value)
    assert "org.apache.hadoop" in caught.value.java_trace
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_what_is_forgotten_is_freed_by_the_next_call_and_not_by_the_collector(spark: Any) -> None:
    held = spark.sparkContext._jsc.getPersistentRDDs
    r = mllib_py.ratings(spark.createDataFrame([(1, 2, 3.0)], ["user", "item", "rating"]))
    before = len(held())
    r.itself = r  # type: ignore[attr-defined]
    del r
    gc.collect()
    assert len(held()) == before
    _bridge.call("check", "{}")
    assert len(held()) == before - 1


def test_an_argument_of_the_wrong_kind_at_the_door_is_one_sentence(spark: Any) -> None:
    with pytest.raises(MLlibError) as caught:
        _bridge.call("check", 3)
    assert "\n" not in str(caught.value)


def test_session_attaches_to_the_one_that_runs(spark: Any) -> None:
    assert mllib_py.session() is spark
    assert mllib_py.session("local[1]", memory="3g").sparkContext.master == "local[2]"


def test_a_large_block_crosses_whole(spark: Any) -> None:
    n = 200_000
    users = np.arange(n, dtype=np.int64) % 1000
    items = np.arange(n, dtype=np.int64) // 1000
    values = (np.arange(n) % 5).astype(np.float32)
    r = mllib_py.ratings((users, items, values))
    assert (r.n_ratings, r.n_users, r.n_items, r.mean) == (n, 1000, 200, 2.0)
    assert r.histogram() == {float(v): n // 5 for v in range(5)}
    r.release()
