from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from mllib_py.tutorial.folder import open_folder
from mllib_py.tutorial.sniff import Kind, sniff

Writers = dict[str, Callable[..., Path]]

pytestmark = pytest.mark.usefixtures("fake")


def test_each_format_is_read_with_its_titles(any_folder: Path, titles: dict[int, str]) -> None:
    found = open_folder(str(any_folder))
    assert found.titles == titles
    ratings = found.ratings()
    assert (ratings.n_ratings, ratings.n_users, ratings.n_items) == (320, 40, 12)
    assert ratings.has_timestamps


@pytest.mark.parametrize(
    ("kind", "ratings", "movies", "format_"),
    [
        ("dat", "movies.csv", "u.data", "MovieLens .dat"),
        ("csv", "u.item", "ratings.dat", "MovieLens .csv"),
        ("u", "movies.dat", "ratings.csv", "MovieLens u.data"),
    ],
)
def test_content_decides_where_names_mislead(
    tmp_path: Path,
    writers: Writers,
    titles: dict[int, str],
    kind: str,
    ratings: str,
    movies: str,
    format_: str,
) -> None:
    found = open_folder(str(writers[kind](tmp_path / "data", ratings, movies)))
    assert found.ratings_uri.endswith(ratings)
    assert found.format == format_
    assert found.titles == titles


def test_columns_of_a_csv_may_come_in_any_order_and_case(tmp_path: Path, fake: ModuleType) -> None:
    (tmp_path / "r").write_text("rating,MOVIEID,userid\n4.5,1,7\n")
    (tmp_path / "m").write_text('genres,title,movieId\n-,"A, ""B"" (1999)",1\n')
    found = open_folder(str(tmp_path))
    assert found.titles == {1: 'A, "B" (1999)'}
    assert found.ratings().frame.to_dict("records") == [{"rating": 4.5, "item": 1, "user": 7}]


def test_a_byte_order_mark_is_no_part_of_the_header(folder: Path) -> None:
    (folder / "movies.dat").write_bytes(b"\xef\xbb\xbfmovieId,title,genres\r\n1,Caf\xc3\xa9,-\r\n")
    assert open_folder(str(folder)).titles == {1: "Café"}


def test_the_usual_name_decides_between_files_of_a_kind(tmp_path: Path, writers: Writers) -> None:
    folder = writers["u"](tmp_path / "data")
    for fold in ("u1.base", "u1.test", "ua.test"):
        (folder / fold).write_text("1\t1\t5\t874965758\n")
    assert open_folder(str(folder)).ratings_uri.endswith("u.data")


def test_without_a_usual_name_the_choice_is_left_to_the_user(folder: Path) -> None:
    (folder / "ratings.dat").rename(folder / "one")
    (folder / "two").write_bytes((folder / "one").read_bytes())
    with pytest.raises(ValueError, match=r"hold ratings \(one, two\); keep one"):
        open_folder(str(folder))


def test_gzip_is_seen_through(folder: Path) -> None:
    for name in ("ratings.dat", "movies.dat"):
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
        (folder / name).unlink()
    found = open_folder(str(folder))
    assert found.ratings().n_ratings == 320
    assert found.titles[2] == "Misérables, Les (1995)"


@pytest.mark.parametrize("missing", ["ratings", "movies"])
def test_a_missing_file_is_named_with_what_was_expected(folder: Path, missing: str) -> None:
    (folder / f"{missing}.dat").unlink()
    with pytest.raises(ValueError, match=f"No {missing} file in .*: expected a MovieLens folder"):
        open_folder(str(folder))


def test_a_malformed_film_is_named_by_line(folder: Path) -> None:
    with (folder / "movies.dat").open("a") as movies:
        movies.write("\nthirteen::Nothing (2000)::Drama\n")
    with pytest.raises(ValueError, match=r"movies.dat, line 14: .*'thirteen::Nothing"):
        open_folder(str(folder))


def test_a_malformed_rating_does_not_hide_the_ratings() -> None:
    found = sniff(b"1::2::3\n1::2\n2::3::4::978300760\n")
    assert found is not None
    assert found.kind is Kind.RATINGS


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x00\x01\x02 binary \xff\xfe",
        b"15::4973::excellent!::1215184630\n",
        b"movieId,tagId,relevance\n1,1,0.029\n",
        b"1::F::1::10::48067\n",
    ],
)
def test_anything_else_is_neither(head: bytes) -> None:
    assert sniff(head) is None


def test_a_head_cut_in_a_line_or_a_letter_is_enough() -> None:
    found = sniff("1::Misérables, Les (1995)::Drama\n2::Amé".encode()[:-1])
    assert found is not None
    assert found.kind is Kind.MOVIES


def test_a_latin_1_letter_does_not_end_a_line(folder: Path) -> None:
    # 0x85 ends a line for str.splitlines.
    (folder / "movies.dat").write_bytes(b"1::Odd \x85 title::Drama\n2::Other::Drama\n")
    assert len(open_folder(str(folder)).titles) == 2
