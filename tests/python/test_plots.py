"""Pictures of a model: what is drawn, where, and what is refused."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from support.refusal import refused
from support.small import stars

from mllib_py import ALS, plots
from mllib_py.decomposition import svd

pytestmark = pytest.mark.usefixtures("spark")


@pytest.fixture(scope="module")
def als(spark: Any) -> ALS:
    return ALS(rank=3, max_iter=4).fit(stars())


@pytest.fixture(autouse=True)
def no_window() -> Iterator[None]:
    before = matplotlib.get_backend()
    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")
    pyplot.switch_backend(before)


def words(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts]


def points(ax: Any) -> Any:
    return np.asarray(ax.collections[0].get_offsets())


# --- history


def test_the_history_is_drawn_by_half_step(als: ALS) -> None:
    ax = plots.plot_history(als)
    (line,) = ax.lines
    assert line.get_xdata().tolist() == [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]
    assert line.get_ydata().tolist() == [s["objective"] for s in als.history_]
    users, items = (np.asarray(c.get_offsets())[:, 0].tolist() for c in ax.collections)
    assert (users, items) == ([0.5, 1.5, 2.5, 3.5], [1, 2, 3, 4])
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        "after the users' half-step",
        "after the items' half-step",
    ]


def test_a_steep_fall_is_drawn_on_a_logarithmic_axis(als: ALS) -> None:
    ratios = []
    for history in (als.history_, als.history_[3:]):
        model = ALS()
        model.__dict__.update(als.__dict__, history_=history)
        objective = [s["objective"] for s in history]
        ratios.append(max(objective) / min(objective))
        expected = "log" if ratios[-1] > 5 else "linear"
        assert plots.plot_history(model).get_yscale() == expected
    assert ratios[0] > 5 > ratios[1]


@pytest.mark.parametrize("draw", [plots.plot_history, plots.item_map])
def test_axes_that_are_given_are_drawn_on(draw: Any, als: ALS) -> None:
    figure, axes = pyplot.subplots(1, 2)
    assert draw(als, ax=axes[1]) is axes[1]
    assert axes[1].collections
    assert not axes[0].collections
    assert pyplot.get_fignums() == [figure.number]


# --- map


def test_the_map_is_the_plane_of_the_two_main_directions(als: ALS) -> None:
    found = points(plots.item_map(als))
    centred = als.item_factors_ - als.item_factors_.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred)
    expected = centred @ directions[:, [2, 1]]
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-4)
    assert (
        f"({variances[2] / variances.sum():.0%} of the variance)"
        in plots.item_map(als).get_xlabel()
    )


def test_some_items_are_where_they_are_among_all(als: ALS) -> None:
    everything = points(plots.item_map(als))
    some = als.item_ids_[[5, 2, 9]]
    np.testing.assert_array_equal(points(plots.item_map(als, some)), everything[[5, 2, 9]])


def test_biases_are_no_direction() -> None:
    als = ALS(rank=2, max_iter=2, biases=True).fit(stars())
    found = points(plots.item_map(als))
    tastes = als.item_factors_[:, :2]
    distances = np.linalg.norm(found[:, None] - found, axis=2)
    np.testing.assert_allclose(
        distances, np.linalg.norm(tastes[:, None] - tastes, axis=2), atol=1e-5
    )


def test_one_factor_is_a_line() -> None:
    found = points(plots.item_map(ALS(rank=1, max_iter=2).fit(stars())))
    assert (found[:, 1] == 0).all()
    assert found[:, 0].any()


def test_items_that_are_all_alike_are_one_point() -> None:
    als = ALS(rank=2, max_iter=1).fit(([1, 2], [7, 7], [3.0, 3.0]))
    ax = plots.item_map(als)
    assert points(ax).tolist() == [[0, 0]]
    assert words(ax) == ["7"]


def test_few_items_are_named_by_their_ids(als: ALS) -> None:
    some = als.item_ids_[:3]
    assert set(words(plots.item_map(als, some))) <= {str(i) for i in some}
    assert words(plots.item_map(als, some))


def test_many_items_are_not_named_unasked() -> None:
    n = 51
    als = ALS(rank=2, max_iter=1).fit((np.arange(n), np.arange(n), np.ones(n)))
    assert words(plots.item_map(als)) == []


def test_uuids_name_items_as_their_texts() -> None:
    ids = [uuid.UUID(int=n) for n in range(1, 4)]
    als = ALS(rank=2, max_iter=1).fit(([1, 2, 3], ids, [3.0, 4.0, 5.0]))
    ax = plots.item_map(als, ids[:2], labels={ids[0]: "one", str(ids[1]): "two"})
    assert set(words(ax)) <= {"one", "two"}
    assert words(ax)


def test_labels_by_id_or_in_order(als: ALS) -> None:
    first, last = als.item_ids_[[0, -1]].tolist()
    assert words(plots.item_map(als, [last], labels=["Zed"])) == ["Zed"]
    assert words(plots.item_map(als, labels={first: "A $ and $ b", 10**6: "none"})) == [
        "A $ and $ b"
    ]


def test_labels_neither_meet_nor_leave_the_axes(als: ALS) -> None:
    ax = plots.item_map(als, labels=[f"a label of some length, {i}" for i in als.item_ids_])
    ax.figure.canvas.draw()
    inside = ax.get_window_extent()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) > 3
    for at, box in enumerate(boxes):
        assert inside.contains(*box.min)
        assert inside.contains(*box.max)
        assert box.count_overlaps(boxes[:at]) == 0


def test_text_ids(spark: Any) -> None:
    table = stars().frame().astype({"item": str})
    als = ALS(rank=2, max_iter=1).fit(table)
    assert words(plots.item_map(als, ["2"])) == ["2"]
    assert words(plots.item_map(als, "2")) == ["2"]


# --- what is refused


@pytest.mark.parametrize("draw", [plots.plot_history, plots.item_map])
def test_a_model_that_is_not_fitted(draw: Any) -> None:
    with refused(ValueError, "not fitted yet"):
        draw(ALS())
    assert pyplot.get_fignums() == []


def test_an_unknown_item(als: ALS) -> None:
    with refused(ValueError, "item 999 was not in the training data"):
        plots.item_map(als, [2, 999])
    assert pyplot.get_fignums() == []


def test_labels_of_another_number(als: ALS) -> None:
    with refused(ValueError, "there are 1 labels for 2 items"):
        plots.item_map(als, als.item_ids_[:2], labels=["one"])


@pytest.mark.parametrize("draw", [plots.plot_history, plots.item_map])
def test_without_matplotlib(draw: Any, als: ALS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with refused(ImportError, "plots need matplotlib", "pip install 'mllib-py[plots]'"):
        draw(als)


# --- validation


def test_what_validation_ratings_said_is_drawn_on_an_axis_of_its_own() -> None:
    data = stars()
    held = (data.users[::5], data.items[::5], data.values[::5])
    als = ALS(rank=3, max_iter=4).fit(data, validation=held)
    ax = plots.plot_history(als)
    (right,) = (other for other in ax.figure.axes if other is not ax)
    (line,) = right.lines
    assert line.get_xdata().tolist() == [1, 2, 3, 4]
    assert line.get_ydata().tolist() == [s["validation"] for s in als.history_[1::2]]
    assert (ax.get_ylabel(), right.get_ylabel()) == ("objective", "validation")
    assert "validation (right)" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_a_spectrum_with_its_certificate() -> None:
    a = np.random.default_rng(0).normal(size=(40, 6))
    found = svd(a, 3)
    ax = plots.spectrum(found)
    np.testing.assert_allclose(points(ax)[:, 1], found.s)
    assert ax.get_title() == "certified"
    told = [t.get_text() for t in ax.get_legend().get_texts()]
    assert told[:3] == ["singular values", "error of what is left out", "value behind"]
    assert ax.get_yscale() == "log"
