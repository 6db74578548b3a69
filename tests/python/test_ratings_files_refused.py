"""Files that cannot be used: the message has the file, the line's number and its text."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.refusal import refused

import mllib_py
from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")

HEAD = "userId,movieId,rating,timestamp"
GOOD = [f"{u},{i},{(u + i) % 5 + 1},{1000 + i}" for u in range(1, 31) for i in range(1, 11)]


def write(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(line + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def with_line(number: int, line: str, head: str = HEAD) -> list[str]:
    """A good file but for one line, counted from 1."""
    lines = [head, *GOOD]
    lines[number - 1] = line
    return lines


BAD_LINES = {
    "no fields": ("what is this", "the user 'what is this' is not an integer"),
    "one field too few": ("5,6", "no rating"),
    "no user": (",6,3.5,7", "no user"),
    "no rating": ("5,6,,7", "no rating"),
    "a text for an id": ("5,six,3.5,7", "the item 'six' is not an integer"),
    "a float for an id": ("5.0,6,3.5,7", "the user '5.0' is not an integer"),
    "an id beyond 64 bits": ("9223372036854775808,6,3.5,7", "'9223372036854775808' is not an int"),
    "a text for a rating": ("5,6,good,7", "the rating 'good' is not a number"),
    "a comma for a point": ('5,6,"3,5",7', "the rating '3,5' is not a number"),
    "a date for a time": ("5,6,3.5,2020-01-01", "the timestamp '2020-01-01' is not an integer"),
    "other separators": ("5::6::3.5::7", "the user '5::6::3.5::7' is not an integer"),
    "the header again": (HEAD, "the user 'userId' is not an integer"),
}


@pytest.mark.parametrize("name", ["r.csv", "r.csv.gz"])
@pytest.mark.parametrize("case", BAD_LINES)
def test_a_malformed_line(case: str, name: str, tmp_path: Path) -> None:
    line, what = BAD_LINES[case]
    path = write(tmp_path / name, with_line(217, line))
    with refused(ValueError, name, "line 217", what, f"'{line}'"):
        ALS().fit(path)


@pytest.mark.parametrize("number", [2, 3, 301])
def test_the_line_is_counted_right(number: int, tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", with_line(number, "5,6"))
    with refused(ValueError, f"line {number}:"):
        ALS().fit(path)


def test_lines_of_windows_and_of_many_bytes_are_counted_right(tmp_path: Path) -> None:
    lines = [HEAD, *GOOD[:50]]
    lines[20:20] = ["", ""]
    lines[30] = "1,2,é日本,4"
    path = write(tmp_path / "r.csv", [line + "\r" for line in lines])
    with refused(ValueError, "line 31:", "the rating 'é日本' is not a number"):
        ALS().fit(path)


def test_the_first_of_many_bad_lines_is_told(tmp_path: Path) -> None:
    lines = [HEAD, *GOOD * 20]
    for number in (5000, 1234, 17, 999):
        lines[number - 1] = f"bad {number}"
    with refused(ValueError, "line 17:", "'bad 17'"):
        ALS().fit(write(tmp_path / "r.csv", lines))


@pytest.mark.parametrize("second", ["b.csv", "b.csv.gz"])
def test_a_malformed_line_in_the_second_file_of_a_glob(second: str, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", [HEAD, *GOOD])
    write(tmp_path / second, with_line(9, "5;6;3.5"))
    for given in (tmp_path, str(tmp_path / "*.csv*")):
        with refused(ValueError, f"{second}, line 9:", "'5;6;3.5'"):
            ALS().fit(given)


def test_a_second_file_whose_header_is_another(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", [HEAD, *GOOD])
    write(tmp_path / "b.csv", ["movieId,userId,rating,timestamp", *GOOD])
    with refused(ValueError, "b.csv, line 1:", "'movieId,userId,rating,timestamp'"):
        ALS(duplicates="last").fit(tmp_path)


def test_a_second_file_without_a_header(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", [HEAD, *GOOD[:100]])
    write(tmp_path / "b.csv", GOOD[100:])
    with refused(ValueError, "b.csv, line 1:", f"'{GOOD[100]}'"):
        ALS().fit(tmp_path)


def test_a_second_file_with_a_header_that_the_first_has_not(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", GOOD[:100])
    write(tmp_path / "b.csv", [HEAD, *GOOD[100:]])
    with refused(ValueError, "b.csv, line 1:", f"'{HEAD}'"):
        ALS().fit(tmp_path)


@pytest.mark.parametrize("text", ["x", "one,two", "{'a': 1}", "\x00\x01\x02"])
def test_a_first_line_that_is_no_rating(text: str, tmp_path: Path) -> None:
    with refused(ValueError, "r.csv, line 1:", "is not a rating", "user, item and rating"):
        ALS().fit(write(tmp_path / "r.csv", [text, *GOOD]))


def test_a_header_without_the_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", ["who,what,stars", *GOOD])
    with refused(ValueError, "no column 'user'", "who, what, stars"):
        ALS().fit(path)
    with refused(ValueError, "no column 'film'", "who, what, stars"):
        ALS(user_col="who", item_col="film").fit(path)


NOTHING: dict[str, Callable[[Path], Any]] = {
    "an empty file": lambda t: write(t / "r.csv", []),
    "an empty gzip": lambda t: write(t / "r.csv.gz", []),
    "blank lines": lambda t: write(t / "r.csv", ["", "", ""]),
    "a header alone": lambda t: write(t / "r.csv", [HEAD]),
    "empty files": lambda t: write(t / "all" / "a.csv", []).parent,
}


@pytest.mark.parametrize("case", NOTHING)
def test_nothing_in_it(case: str, tmp_path: Path) -> None:
    with refused(ValueError, "there are no ratings"):
        ALS().fit(NOTHING[case](tmp_path))


MISSING: dict[str, Callable[[Path], Any]] = {
    "a path": lambda t: t / "none.csv",
    "a URI": lambda t: (t / "none.csv").as_uri(),
    "a folder in between": lambda t: t / "none" / "r.csv",
    "a glob": lambda t: str(t / "*.csv"),
    "an empty folder": lambda t: t,
    "a folder of hidden files": lambda t: write(t / "all" / "_x.csv", GOOD).parent,
}


@pytest.mark.parametrize("case", MISSING)
def test_no_such_file(case: str, tmp_path: Path) -> None:
    with refused(ValueError, "there is no file at"):
        mllib_py.ratings(MISSING[case](tmp_path))


@pytest.mark.parametrize("path", ["", "  "])
def test_no_path_at_all(path: str) -> None:
    with refused(ValueError, "path", "empty"):
        mllib_py.ratings(path)


@pytest.mark.parametrize("uri", ["nosuch://x/r.csv", "file://[/r.csv", "{", "r.csv:x"])
def test_a_uri_that_is_none(uri: str) -> None:
    with refused(ValueError, uri):
        mllib_py.ratings(uri)


def test_a_parquet_file_that_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "r.parquet", GOOD)
    with refused(ValueError, "r.parquet", "Parquet"):
        mllib_py.ratings(path)


@pytest.mark.parametrize("times", [1, 100], ids=["short", "long"])
def test_a_gzip_that_is_cut(times: int, tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv.gz", GOOD * times)
    path.write_bytes(path.read_bytes()[:-40])
    with refused(ValueError, "r.csv.gz", "cut off" if times > 1 else "end of input"):
        ALS().fit(path)


def test_a_gzip_that_is_damaged(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv.gz", GOOD * 100)
    content = bytearray(path.read_bytes())
    content[-8] ^= 0xFF  # of the check sum
    path.write_bytes(bytes(content))
    with refused(ValueError, "r.csv.gz", "damaged after this line"):
        ALS().fit(path)


def test_a_gzip_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "r.csv.gz"
    path.write_text("1,2,3\n")
    with refused(ValueError, "r.csv.gz", "gzip"):
        ALS().fit(path)


def test_a_malformed_file_with_texts_for_ids(tmp_path: Path) -> None:
    lines = ["user,item,rating", *(f"u{line}" for line in GOOD)]
    lines[100] = "u5,6,x"
    with refused(ValueError, "line 101:", "the rating 'x' is not a number"):
        ALS().fit(write(tmp_path / "r.csv", lines))
