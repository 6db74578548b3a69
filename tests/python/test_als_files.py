"""A model on disk: plain data that NumPy reads, whole or not at all."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.refusal import refused
from support.small import plays, stars

import mllib_py
from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")

INTEGER_FILES = {
    "model.json",
    "checksums.json",
    "user_factors.npy",
    "item_factors.npy",
    "seen_start.npy",
    "seen_items.npy",
    "seen_values.npy",
    "seen_codes.npy",
    "user_ids.npy",
    "item_ids.npy",
}
TEXT_FILES = INTEGER_FILES - {"item_ids.npy"} | {"item_ids_offsets.npy", "item_ids_utf8.npy"}
TITLES = ["a, b", "", "é", "日本", "\U0001f3ac", "\uffff", "two\nlines"]


def text_model() -> ALS:
    data = stars(n_items=7).frame()
    data["item"] = data["item"].map(dict(zip(sorted(set(data["item"])), TITLES, strict=True)))
    return ALS(rank=3, max_iter=2, cold_start="mean").fit(data)


@pytest.fixture(scope="module")
def models(spark: Any) -> dict[str, ALS]:
    return {
        "integers": ALS(rank=3, max_iter=2, random_state=-(2**63), tol=1e-9).fit(stars()),
        "texts": text_model(),
        "implicit": ALS(rank=9, max_iter=1, implicit=True, user_col="who").fit(
            plays().frame().rename(columns={"user": "who"})
        ),
    }


@pytest.fixture
def saved(models: dict[str, ALS], tmp_path: Path) -> Path:
    """The model with text ids on disk: it has every kind of file."""
    models["texts"].save(tmp_path / "model")
    return tmp_path / "model"


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


# --- there and back


@pytest.mark.parametrize("name", ["integers", "texts", "implicit"])
def test_a_model_comes_back_as_it_was(name: str, models: dict[str, ALS], tmp_path: Path) -> None:
    als = models[name]
    als.save(tmp_path / "model")
    back = mllib_py.load(tmp_path / "model")
    assert back.get_params() == als.get_params()
    assert {k: type(v) for k, v in back.get_params().items()} == {
        k: type(v) for k, v in als.get_params().items()
    }
    for array in ("user_ids_", "item_ids_", "user_factors_", "item_factors_"):
        a, b = getattr(als, array), getattr(back, array)
        assert a.dtype == b.dtype
        assert np.array_equal(a, b)
    for fact in ("history_", "n_iter_", "stop_reason_", "strategy_", "seconds_", "mean_rating_"):
        assert getattr(back, fact) == getattr(als, fact)
    for exclude_seen in (True, False):
        a, b = (m.recommend(k=5, exclude_seen=exclude_seen) for m in (als, back))
        pd.testing.assert_frame_equal(a, b)
    users, items = als.user_ids_[:3], als.item_ids_[:3]
    assert np.array_equal(als.predict(users, items), back.predict(users, items))


def test_cold_start_comes_back(saved: Path, models: dict[str, ALS]) -> None:
    found = mllib_py.load(saved).predict([999], ["nothing"])
    assert found.tolist() == [np.float32(models["texts"].mean_rating_)]


def test_a_loaded_model_is_saved_the_same(saved: Path, tmp_path: Path) -> None:
    mllib_py.load(saved).save(tmp_path / "again")
    assert names(saved) == names(tmp_path / "again")
    for file in saved.iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes(), file.name


def test_a_uri_or_a_text_will_do(models: dict[str, ALS], tmp_path: Path) -> None:
    models["integers"].save((tmp_path / "a" / "b").as_uri())
    assert mllib_py.load(str(tmp_path / "a" / "b")).n_iter_ == models["integers"].n_iter_


# --- plain data


def test_the_files_are_those_that_are_documented(
    models: dict[str, ALS], saved: Path, tmp_path: Path
) -> None:
    models["integers"].save(tmp_path / "integers")
    assert names(tmp_path / "integers") == INTEGER_FILES
    assert names(saved) == TEXT_FILES


def test_numpy_alone_reads_the_arrays(saved: Path, models: dict[str, ALS]) -> None:
    als = models["texts"]
    read = {p.stem: np.load(p, allow_pickle=False) for p in saved.glob("*.npy")}
    assert np.array_equal(read["user_factors"], als.user_factors_)
    assert np.array_equal(read["item_factors"], als.item_factors_)
    assert np.array_equal(read["user_ids"], als.user_ids_)
    offsets, utf8 = read["item_ids_offsets"], read["item_ids_utf8"].tobytes()
    texts = [utf8[a:b].decode() for a, b in pairwise(offsets)]
    assert texts == als.item_ids_.tolist()
    assert read["user_factors"].dtype == np.dtype("<f4")
    start, items = read["seen_start"], read["seen_items"]
    data = stars(n_items=7)
    assert np.diff(start).tolist() == np.unique(data.users, return_counts=True)[1].tolist()
    titles = dict(zip(TITLES, sorted(set(data.items.tolist())), strict=True))
    first = {titles[als.item_ids_[i]] for i in items[: start[1]]}
    assert first == set(data.items[data.users == data.users.min()].tolist())


def kept(folder: Path, als: ALS) -> dict[tuple[Any, Any], float]:
    """The ratings that a saved model holds, as NumPy reads them."""
    read = {p.stem: np.load(p, allow_pickle=False) for p in folder.glob("seen_*.npy")}
    values = read["seen_values"]
    assert values.dtype == np.dtype("<f4")
    if "seen_codes" in read:
        assert read["seen_codes"].dtype == np.dtype("|u1")
        assert np.array_equal(values, np.unique(values))
        values = values[read["seen_codes"]]
    users = np.repeat(als.user_ids_, np.diff(read["seen_start"]))
    items = als.item_ids_[read["seen_items"]]
    return dict(zip(zip(users.tolist(), items.tolist(), strict=True), values, strict=True))


def given(data: Any) -> dict[tuple[Any, Any], float]:
    return dict(
        zip(zip(data.users.tolist(), data.items.tolist(), strict=True), data.values, strict=True)
    )


@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize("distinct", [5, 256, 257])
def test_the_ratings_are_kept_a_byte_each_where_256_numbers_are_enough(
    distinct: int, blocks: int, tmp_path: Path
) -> None:
    data = stars(40, 30)
    values = np.arange(len(data.users), dtype=np.float32) % distinct - 3
    data = data._replace(values=values).shuffled(1)
    als = ALS(rank=2, max_iter=1, num_blocks=blocks).fit(data)
    als.save(tmp_path / "model")
    assert kept(tmp_path / "model", als) == given(data)
    assert (tmp_path / "model" / "seen_codes.npy").exists() == (distinct <= 256)
    mllib_py.load(tmp_path / "model").save(tmp_path / "again")
    assert kept(tmp_path / "again", als) == given(data)


@pytest.mark.parametrize("side", ["user", "item"])
def test_rows_that_were_folded_in_have_their_ratings(side: str, tmp_path: Path) -> None:
    data = stars()
    als = ALS(rank=2, max_iter=1, num_blocks=2).fit(data)
    new = data._replace(users=data.users + 1) if side == "user" else data
    new = new._replace(items=data.items + 1) if side == "item" else new
    folded = als.fold_in(new.shuffled(3), side=side)
    folded.save(tmp_path / "model")
    assert kept(tmp_path / "model", folded) == given(new)


def test_what_duplicates_became_is_kept(tmp_path: Path) -> None:
    als = ALS(rank=1, max_iter=1, duplicates="sum").fit(([1, 1, 1], [5, 5, 6], [2.0, 3.0, 1.0]))
    als.save(tmp_path / "model")
    assert kept(tmp_path / "model", als) == {(1, 5): 5.0, (1, 6): 1.0}


def test_the_facts_are_json(saved: Path, models: dict[str, ALS]) -> None:
    facts = json.loads((saved / "model.json").read_text(encoding="utf-8"))
    assert (facts["format"], facts["version"]) == ("mllib_py ALS", 2)
    assert facts["params"] == models["texts"].get_params()
    assert facts["fit"]["history"] == models["texts"].history_


def test_the_checksums_are_sha256(saved: Path) -> None:
    sums = json.loads((saved / "checksums.json").read_text(encoding="utf-8"))
    assert set(sums) == TEXT_FILES - {"checksums.json"}
    for name, digest in sums.items():
        assert hashlib.sha256((saved / name).read_bytes()).hexdigest() == digest


# --- whole or not at all


def test_saving_leaves_nothing_beside_it(saved: Path) -> None:
    assert names(saved.parent) == {"model"}


def test_what_is_there_is_not_overwritten_unasked(saved: Path, models: dict[str, ALS]) -> None:
    before = {p.name: p.read_bytes() for p in saved.iterdir()}
    with refused(ValueError, str(saved), "exists already", "overwrite=True"):
        models["integers"].save(saved)
    assert {p.name: p.read_bytes() for p in saved.iterdir()} == before
    models["integers"].save(saved, overwrite=True)
    assert names(saved) == INTEGER_FILES
    assert names(saved.parent) == {"model"}
    assert mllib_py.load(saved).random_state == -(2**63)


def test_a_file_in_the_way_is_not_overwritten_unasked(
    models: dict[str, ALS], tmp_path: Path
) -> None:
    (tmp_path / "model").write_text("mine")
    with refused(ValueError, "exists already"):
        models["integers"].save(tmp_path / "model")
    assert (tmp_path / "model").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_one_sentence(
    models: dict[str, ALS], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises((ValueError, mllib_py.MLlibError)) as caught:
        models["integers"].save(tmp_path / "file" / "model")
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "file") in str(caught.value)
    assert names(tmp_path) == {"file"}


# --- damage


@pytest.mark.parametrize("name", sorted(TEXT_FILES))
def test_a_file_that_is_cut_off(name: str, saved: Path) -> None:
    file = saved / name
    for keep in (file.stat().st_size - 1, file.stat().st_size // 2, 0):
        file.write_bytes(file.read_bytes()[:keep])
        with refused(ValueError, str(saved), name):
            mllib_py.load(saved)


@pytest.mark.parametrize("name", sorted(TEXT_FILES))
@pytest.mark.parametrize("at", [0.0, 0.5, 0.99])
def test_a_file_with_a_byte_altered(name: str, at: float, saved: Path) -> None:
    file = saved / name
    content = bytearray(file.read_bytes())
    content[int(at * (len(content) - 1))] ^= 1
    file.write_bytes(content)
    with refused(ValueError, str(saved)):
        mllib_py.load(saved)


@pytest.mark.parametrize("name", sorted(TEXT_FILES))
def test_a_file_that_is_missing(name: str, saved: Path) -> None:
    (saved / name).unlink()
    with refused(ValueError, str(saved), f"has no {name}"):
        mllib_py.load(saved)


def altered(saved: Path, **facts: Any) -> Path:
    """A model whose facts say something else, with the right checksum."""
    file = saved / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | facts))
    sums = json.loads((saved / "checksums.json").read_text())
    sums["model.json"] = hashlib.sha256(file.read_bytes()).hexdigest()
    (saved / "checksums.json").write_text(json.dumps(sums))
    return saved


def test_a_model_of_another_version(saved: Path) -> None:
    with refused(ValueError, "format version 3", "reads versions 1 and 2"):
        mllib_py.load(altered(saved, version=3))


def test_a_model_of_the_first_version_has_no_values_and_stays_so(
    saved: Path, models: dict[str, ALS], tmp_path: Path
) -> None:
    """It lacked the two files of values; what needs them says so, all else works."""
    sums = json.loads((saved / "checksums.json").read_text())
    for name in ("seen_values.npy", "seen_codes.npy"):
        (saved / name).unlink()
        del sums[name]
    (saved / "checksums.json").write_text(json.dumps(sums))
    old = mllib_py.load(altered(saved, version=1))
    pd.testing.assert_frame_equal(old.recommend(k=3), models["texts"].recommend(k=3))
    old.save(tmp_path / "again")
    assert names(tmp_path / "again") == TEXT_FILES - {"seen_values.npy", "seen_codes.npy"}
    assert json.loads((tmp_path / "again" / "model.json").read_text())["version"] == 1
    user, item = old.user_ids_[0], old.item_ids_[0]
    with refused(ValueError, "does not keep its ratings", "fit again"):
        old.explain_recommendation(user, item)
    with refused(ValueError, "does not keep its ratings", "fit again"):
        old.partial_fit(([user], [item], [3.0]))
    assert np.array_equal(old.user_factors_, models["texts"].user_factors_)


def test_a_model_of_something_else(saved: Path) -> None:
    with refused(ValueError, "is not a model saved by mllib_py"):
        mllib_py.load(altered(saved, format="other"))


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("hello")
    with refused(ValueError, "it is not a whole model saved by mllib_py"):
        mllib_py.load(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    with refused(ValueError, str(tmp_path / "none")):
        mllib_py.load(tmp_path / "none")


def test_a_file_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("hello")
    with refused(ValueError, str(tmp_path / "model")):
        mllib_py.load(tmp_path / "model")


def test_checksums_that_are_no_checksums(saved: Path) -> None:
    for content in ("[]", "3", "null", '{"model.json": 5}', "{", "\x00"):
        (saved / "checksums.json").write_text(content)
        with refused(ValueError, str(saved)):
            mllib_py.load(saved)
