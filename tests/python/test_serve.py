"""A saved model served with NumPy alone: the same answers, without Spark."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.refusal import refused
from support.small import Small, plays, stars

from mllib_py import ALS, serve

pytestmark = pytest.mark.usefixtures("spark")

TITLES = ["a, b", "", "é", "日本", "\U0001f3ac", "\uffff", "two\nlines"]


def titled() -> pd.DataFrame:
    table = stars(n_items=7).frame().astype({"user": str})
    table["item"] = table["item"].map(dict(zip(sorted(set(table["item"])), TITLES, strict=True)))
    return table


FITS: dict[str, tuple[dict[str, Any], Any]] = {
    "integers": ({}, stars()),
    "texts": ({}, titled()),
    "biases": ({"biases": True}, stars()),
    "implicit": ({"implicit": True, "rank": 9}, plays()),
    "implicit biases": ({"implicit": True, "biases": True}, plays()),
    "ids of all signs": (
        {"rank": 1},
        Small(
            np.array([-(2**63), -5, 0, 2**63 - 1, 0]),
            np.array([7, -7, 2**62, 7, 7]),
            np.array([5, 4, 3, 2, 1], dtype=np.float32),
        ),
    ),
}


@pytest.fixture(scope="module")
def fitted(spark: Any) -> dict[str, ALS]:
    return {
        name: ALS(**{"rank": 3, "max_iter": 2} | params).fit(data)
        for name, (params, data) in FITS.items()
    }


@pytest.fixture(scope="module")
def folders(fitted: dict[str, ALS], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("models")
    for name, als in fitted.items():
        als.save(base / name)
    return {name: base / name for name in fitted}


@pytest.fixture(params=list(FITS))
def pair(
    request: pytest.FixtureRequest, fitted: dict[str, ALS], folders: dict[str, Path]
) -> tuple[ALS, serve.ServedModel]:
    return fitted[request.param], serve.load(folders[request.param])


@pytest.fixture
def model(folders: dict[str, Path]) -> serve.ServedModel:
    return serve.load(folders["integers"])


@pytest.fixture
def texts(folders: dict[str, Path]) -> serve.ServedModel:
    return serve.load(folders["texts"])


@pytest.fixture
def copy(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A model with integer and text ids, to damage."""
    return Path(shutil.copytree(folders["texts"], tmp_path / "model"))


# --- the same answers


def test_ids_are_those_of_the_model(pair: tuple[ALS, serve.ServedModel]) -> None:
    als, model = pair
    for mine, theirs in ((model.users, als.user_ids_), (model.items, als.item_ids_)):
        assert mine.dtype == theirs.dtype
        assert mine.tolist() == theirs.tolist()


def test_predictions_are_the_same(pair: tuple[ALS, serve.ServedModel]) -> None:
    als, model = pair
    users = np.repeat(als.user_ids_, len(als.item_ids_))
    items = np.tile(als.item_ids_, len(als.user_ids_))
    found = [model.predict(u, i) for u, i in zip(users, items, strict=True)]
    np.testing.assert_allclose(found, als.predict(users, items), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_recommendations_are_the_same(
    exclude_seen: bool, pair: tuple[ALS, serve.ServedModel]
) -> None:
    als, model = pair
    expected = als.recommend(k=4, exclude_seen=exclude_seen)
    for user in als.user_ids_:
        items, scores = model.recommend(user, 4, exclude_seen)
        assert items.tolist() == expected["item"][expected["user"] == user].tolist()
        assert scores.dtype == np.float32
        if len(items):
            predicted = als.predict([user] * len(items), items)
            np.testing.assert_allclose(scores, predicted, rtol=1e-5, atol=1e-5)


def test_ids_come_in_many_types(model: serve.ServedModel, texts: serve.ServedModel) -> None:
    first = model.recommend(1)[0].tolist()
    for user in (np.int64(1), np.int8(1), np.uint64(1)):
        assert model.recommend(user)[0].tolist() == first
    assert texts.recommend(np.str_("22"))[0].tolist() == texts.recommend("22")[0].tolist()


def test_a_uuid_is_a_text(tmp_path: Path) -> None:
    ids = [uuid.UUID(int=n) for n in range(3)]
    ALS(rank=1, max_iter=1).fit((ids, ids, [1.0, 2.0, 3.0])).save(tmp_path / "model")
    model = serve.load(tmp_path / "model")
    assert model.users.tolist() == [str(i) for i in ids]
    assert model.predict(ids[1], ids[2]) == model.predict(str(ids[1]), str(ids[2]))
    for a, b in (
        (model.recommend(ids[1], deny=ids[:1]), model.recommend(str(ids[1]), deny=[str(ids[0])])),
        (model.similar_items(ids[0]), model.similar_items(str(ids[0]))),
        (model.similar_users(ids[0]), model.similar_users(str(ids[0]))),
    ):
        assert a[0].tolist() == b[0].tolist()
        assert len(a[0])
    allowed = model.recommend(ids[1], allow=np.array(ids, dtype=object), exclude_seen=False)
    assert sorted(allowed[0].tolist()) == [str(i) for i in ids]


# --- what is recommended


def seen_by(user: int) -> set[int]:
    data = stars()
    return set(data.items[data.users == user].tolist())


def test_what_was_seen_is_left_out(model: serve.ServedModel) -> None:
    items, _ = model.recommend(1, k=1000)
    assert set(items.tolist()) == set(model.items.tolist()) - seen_by(1)
    items, scores = model.recommend(1, k=1000, exclude_seen=False)
    assert sorted(items.tolist()) == model.items.tolist()
    assert (np.diff(scores) <= 0).all()


def test_the_fewer_are_the_best_of_the_more(model: serve.ServedModel) -> None:
    items, scores = model.recommend(1, k=1000, exclude_seen=False)
    for k in range(1, len(items) + 1):
        fewer, some = model.recommend(1, k, exclude_seen=False)
        assert fewer.tolist() == items[:k].tolist()
        assert some.tolist() == scores[:k].tolist()


@pytest.mark.parametrize("kind", [list, tuple, set, np.array, pd.Series, iter])
def test_a_choice_of_items(kind: Any, model: serve.ServedModel) -> None:
    best, scores = model.recommend(1, k=1000, exclude_seen=False)
    some = best[1::2]
    items, found = model.recommend(1, k=1000, exclude_seen=False, allow=kind(some.tolist()))
    assert items.tolist() == some.tolist()
    assert found.tolist() == scores[1::2].tolist()
    items, _ = model.recommend(1, k=1000, exclude_seen=False, deny=kind(some.tolist()))
    assert items.tolist() == best[::2].tolist()


def test_a_choice_of_texts(texts: serve.ServedModel) -> None:
    best, _ = texts.recommend("1", exclude_seen=False)
    allowed = ["", "日本", "two\nlines"]
    items, _ = texts.recommend("1", exclude_seen=False, allow=allowed, deny=["日本"])
    assert items.tolist() == [i for i in best if i in ("", "two\nlines")]


def test_choices_do_not_bring_back_what_was_seen(model: serve.ServedModel) -> None:
    items, scores = model.recommend(1, allow=sorted(seen_by(1)))
    assert (items.tolist(), scores.tolist()) == ([], [])
    assert (items.dtype, scores.dtype) == (np.int64, np.float32)


def test_unknown_items_of_a_choice_count_for_nothing(
    model: serve.ServedModel, texts: serve.ServedModel
) -> None:
    best = model.recommend(1, exclude_seen=False)[0].tolist()
    strange = [-1, 10**6, 2**64]
    found, _ = model.recommend(1, exclude_seen=False, allow=[*strange, best[0]], deny=strange)
    assert found.tolist() == best[:1]
    for chosen in (strange, [], np.array([], dtype=np.int64), np.array([2**63], dtype=np.uint64)):
        assert model.recommend(1, allow=chosen)[0].tolist() == []
        assert model.recommend(1, exclude_seen=False, deny=chosen)[0].tolist() == best
    assert texts.recommend("1", allow=["none", "\ud800", "\U0010ffff"])[0].tolist() == []


@pytest.mark.parametrize("n", [1, 127, 128, 129, 1000])
@pytest.mark.parametrize("width", [1, 2, 66, 4096])
def test_panels_are_the_whole_product(n: int, width: int) -> None:
    draw = np.random.default_rng(n)
    factors, x = (draw.normal(size=s).astype(np.float32) for s in ((n, width + 2), width))
    view = factors[:, :width]  # as of a model with biases
    expected = view.astype(np.float64) @ x
    np.testing.assert_allclose(serve._products(view, x), expected, atol=1e-3)


def test_equal_scores_are_in_the_order_of_ids() -> None:
    scores = np.array([1, 3, 2, 3, 3, -np.inf, 0], dtype=np.float32)
    expected = [1, 3, 4, 2, 0, 6]
    for k in range(1, 9):
        assert serve._best(scores, k).tolist() == expected[:k]


# --- what is similar


@pytest.mark.parametrize("side", ["user", "item"])
def test_what_is_similar_has_the_largest_cosine(
    side: str, pair: tuple[ALS, serve.ServedModel]
) -> None:
    als, model = pair
    ids = als.user_ids_ if side == "user" else als.item_ids_
    factors = als.user_factors_ if side == "user" else als.item_factors_
    tastes = factors[:, : als.rank].astype(np.float64)  # without biases
    unit = tastes / np.linalg.norm(tastes, axis=1, keepdims=True)
    for row in range(0, len(ids), 3):
        expected = unit @ unit[row]
        found, cosines = getattr(model, f"similar_{side}s")(ids[row], k=len(ids))
        assert sorted(found.tolist()) == [i for i in ids if i != ids[row]]
        assert (np.diff(cosines) <= 0).all()
        rows = [ids.tolist().index(i) for i in found]
        np.testing.assert_allclose(cosines, expected[rows], atol=1e-5)
        few, _ = getattr(model, f"similar_{side}s")(ids[row], 2)
        assert few.tolist() == found[:2].tolist()


def test_a_row_of_zeros_is_like_nothing() -> None:
    factors = np.array([[1, 0], [0, 0], [-1, 0]], dtype=np.float32)
    lengths = serve._lengths(factors)
    rows, cosines = serve._similar(factors, lengths, 0, 5)
    assert (rows.tolist(), cosines.tolist()) == ([1, 2], [0, -1])
    rows, cosines = serve._similar(factors, lengths, 1, 5)
    assert (rows.tolist(), cosines.tolist()) == ([0, 2], [0, 0])


# --- without Spark

ALONE = """
import sys
import mllib_py.serve
model = mllib_py.serve.load(sys.argv[1])
items, scores = model.recommend(1, k=2)
model.predict(1, items[0]), model.similar_items(items[0]), model.similar_users(1)
heavy = {"pyspark", "py4j", "pandas", "pyarrow", "scipy", "matplotlib", "faiss"}
print(items.tolist(), sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""


def test_serving_needs_neither_spark_nor_pandas(
    folders: dict[str, Path], model: serve.ServedModel
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", ALONE, folders["integers"]],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PATH": "/nowhere"},
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == f"{model.recommend(1, k=2)[0].tolist()} []"


def test_arrays_are_mapped_and_not_to_be_written(model: serve.ServedModel) -> None:
    for array in (model._user_factors, model._item_factors, model.users, model._seen):
        assert isinstance(array.base, np.memmap)
        assert not array.flags.writeable


def test_a_model_that_is_replaced_answers_as_it_was(fitted: dict[str, ALS], tmp_path: Path) -> None:
    fitted["integers"].save(tmp_path / "model")
    model = serve.load(tmp_path / "model")
    before = model.recommend(1)[0].tolist()
    fitted["texts"].save(tmp_path / "model", overwrite=True)
    assert model.recommend(1)[0].tolist() == before
    assert serve.load(tmp_path / "model").recommend("1")[0].dtype == object


def test_one_text_that_is_empty(tmp_path: Path) -> None:
    ALS(rank=1, max_iter=1).fit(([1], [""], [2.0])).save(tmp_path / "model")
    assert serve.load(tmp_path / "model").recommend(1, exclude_seen=False)[0].tolist() == [""]


def test_a_file_uri_or_a_text_will_do(folders: dict[str, Path]) -> None:
    folder = folders["integers"]
    for path in (str(folder), f"file://{folder}", f"file:{folder}"):
        assert serve.load(path).users.tolist() == serve.load(folder).users.tolist()


def test_it_says_how_large_it_is(model: serve.ServedModel) -> None:
    assert repr(model) == "ServedModel(25 users, 15 items, rank 3)"


# --- what is refused


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda m: m.recommend(999), "user 999"),
        (lambda m: m.recommend(2**80), f"user {2**80}"),
        (lambda m: m.predict(999, 2), "user 999"),
        (lambda m: m.predict(np.int64(1), np.int64(-3)), "item -3 was"),
        (lambda m: m.similar_items(999), "item 999"),
        (lambda m: m.similar_users(999), "user 999"),
    ],
)
def test_an_unknown_id(ask: Any, said: str, model: serve.ServedModel) -> None:
    with refused(ValueError, said, "was not in the training data"):
        ask(model)


@pytest.mark.parametrize("text", ["none", "~", "\ud800", "11"])
def test_an_unknown_text(text: str, texts: serve.ServedModel) -> None:
    with refused(ValueError, f"user {text!r} was not in the training data"):
        texts.recommend(text)


@pytest.mark.parametrize("one", ["1", 1.0, None, True, [1], np.array([1])])
def test_an_id_that_is_no_integer(one: Any, model: serve.ServedModel) -> None:
    with refused(TypeError, "users must be integer ids", "int"):
        model.recommend(one)
    with refused(TypeError, "allow must be integer ids"):
        model.recommend(1, allow=[one])


@pytest.mark.parametrize("one", [1, None, b"1", np.int64(1), ["1"]])
def test_an_id_that_is_no_text(one: Any, texts: serve.ServedModel) -> None:
    with refused(TypeError, "users must be text ids", "str"):
        texts.recommend(one)
    with refused(TypeError, "deny must be text ids"):
        texts.recommend("1", deny=[one])


@pytest.mark.parametrize(
    "chosen", [3, "abc", b"abc", np.zeros((2, 2), dtype=np.int64), np.int64(3)]
)
def test_a_choice_that_is_no_list(chosen: Any, model: serve.ServedModel) -> None:
    with refused(TypeError, "allow must be a list of ids"):
        model.recommend(1, allow=chosen)


@pytest.mark.parametrize("k", [0, -1, 2.5, "3", None, True])
def test_a_number_of_items_that_is_none(k: Any, model: serve.ServedModel) -> None:
    for ask in (model.recommend, model.similar_items, model.similar_users):
        with refused(ValueError, "k must be an integer of at least 1", repr(k)):
            ask(model.items[0] if ask == model.similar_items else 1, k)


@pytest.mark.parametrize("path", ["hdfs://host:8020/models/films", "s3a://bucket/model"])
def test_a_folder_elsewhere(path: str) -> None:
    with refused(ValueError, "local folders only", path, "copy"):
        serve.load(path)


def test_nothing_there(tmp_path: Path) -> None:
    with refused(ValueError, f"there is no model at {tmp_path / 'none'}"):
        serve.load(tmp_path / "none")
    with refused(ValueError, "the path is empty"):
        serve.load(" ")


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with refused(ValueError, "has no checksums.json", "not a whole model saved by mllib_py"):
        serve.load(tmp_path)
    (tmp_path / "file").write_text("hello")
    with refused(ValueError, str(tmp_path / "file"), "not a whole model"):
        serve.load(tmp_path / "file")


# --- damage

FILES = (
    "model.json",
    "checksums.json",
    "user_factors.npy",
    "item_factors.npy",
    "seen_start.npy",
    "seen_items.npy",
    "user_ids_offsets.npy",
    "user_ids_utf8.npy",
    "item_ids_offsets.npy",
    "item_ids_utf8.npy",
)


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_off(name: str, verify: bool, copy: Path) -> None:
    file = copy / name
    for keep in (file.stat().st_size - 1, file.stat().st_size // 2, 0):
        file.write_bytes(file.read_bytes()[:keep])
        with refused(ValueError, str(copy), name):
            serve.load(copy, verify=verify)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("at", [0.0, 0.5, 0.99])
def test_a_file_with_a_byte_altered(name: str, at: float, copy: Path) -> None:
    file = copy / name
    content = bytearray(file.read_bytes())
    content[int(at * (len(content) - 1))] ^= 1
    file.write_bytes(content)
    with refused(ValueError, str(copy)):
        serve.load(copy)


def test_what_is_not_verified_is_taken_as_it_is(copy: Path) -> None:
    file = copy / "item_factors.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert serve.load(copy, verify=False).users.tolist()


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing(name: str, verify: bool, copy: Path) -> None:
    (copy / name).unlink()
    with refused(ValueError, str(copy), f"has no {name}"):
        serve.load(copy, verify=verify)


@pytest.mark.parametrize("name", ["seen_values.npy", "seen_codes.npy"])
def test_files_that_serving_does_not_ask_for_are_verified_too(name: str, copy: Path) -> None:
    (copy / name).write_bytes((copy / name).read_bytes()[:-1])
    with refused(ValueError, str(copy), f"{name} is truncated or altered"):
        serve.load(copy)
    assert serve.load(copy, verify=False).users.tolist()


def test_a_model_of_the_first_version_serves(copy: Path) -> None:
    """It has no values of ratings, which serving does not ask for."""
    for name in ("seen_values.npy", "seen_codes.npy"):
        (copy / name).unlink()
    sums = json.loads((copy / "checksums.json").read_text())
    kept = {name: digest for name, digest in sums.items() if not name.startswith("seen_")}
    kept |= {name: sums[name] for name in ("seen_start.npy", "seen_items.npy")}
    (copy / "checksums.json").write_text(json.dumps(kept))
    facts = json.loads((copy / "model.json").read_text()) | {"version": 1}
    replaced(copy, "model.json", json.dumps(facts).encode())
    assert serve.load(copy).users.tolist()


def replaced(folder: Path, name: str, content: bytes) -> Path:
    """A model with another file, and the right checksum."""
    (folder / name).write_bytes(content)
    sums = json.loads((folder / "checksums.json").read_text())
    sums[name] = hashlib.sha256(content).hexdigest()
    (folder / "checksums.json").write_text(json.dumps(sums))
    return folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 3}, "format version 3; this mllib_py reads versions 1 and 2"),
        ({"format": "other"}, "is not a model saved by mllib_py"),
        ({"params": {}}, "model.json is truncated or altered"),
        ({"params": None}, "model.json is truncated or altered"),
    ],
)
def test_facts_that_are_of_no_model(change: dict[str, Any], said: str, copy: Path) -> None:
    facts = json.loads((copy / "model.json").read_text()) | change
    with refused(ValueError, str(copy), said):
        serve.load(replaced(copy, "model.json", json.dumps(facts).encode()))


@pytest.mark.parametrize("content", [b"[]", b"3", b'{"model.json": 5}', b"{", b"\x00", b"\xff"])
def test_checksums_that_are_no_checksums(content: bytes, copy: Path) -> None:
    (copy / "checksums.json").write_bytes(content)
    with refused(ValueError, str(copy), "checksums.json"):
        serve.load(copy)


def test_a_file_that_is_not_listed(copy: Path) -> None:
    (copy / "checksums.json").write_text("{}")
    with refused(ValueError, "does not list model.json", "save it again"):
        serve.load(copy)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("item_factors.npy", np.zeros((7, 2), dtype=np.float32)),
        ("item_factors.npy", np.zeros((7, 3))),
        ("item_factors.npy", np.zeros((6, 3), dtype=np.float32)),
        ("item_factors.npy", np.array([["code"]], dtype=object)),
        ("seen_start.npy", np.zeros(3, dtype=np.int32)),
        ("item_ids_offsets.npy", np.zeros(8, dtype=np.int64)),
    ],
)
def test_an_array_that_does_not_fit(name: str, array: Any, copy: Path) -> None:
    np.save(copy / name, array)
    with refused(ValueError, str(copy), "truncated or altered"):
        serve.load(replaced(copy, name, (copy / name).read_bytes()), verify=False)


def test_a_sampled_model_is_served_as_any(tmp_path: Path) -> None:
    ratings = (np.repeat([1, 2, 3], 3), np.tile([10, 20, 30], 3), np.arange(9.0) % 5 + 1)
    als = ALS(method="gibbs", rank=2, n_samples=3, burn_in=2, thin=1).fit(ratings)
    als.save(tmp_path / "m")
    served = serve.load(tmp_path / "m")
    assert np.isclose(served.predict(2, 30), als.predict([2], [30])[0], atol=1e-5)
    items, cosines = served.similar_items(10, k=2)
    found = als.similar_items([10], k=2)
    assert items.tolist() == found["similar"].tolist()
    assert np.allclose(cosines, found["score"], atol=1e-5)
