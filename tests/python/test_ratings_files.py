"""The same ratings from files of every format give the same factors, bit for bit."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from support.small import stars

import mllib_py
from mllib_py import ALS

DATA = stars()
ROWS = list(zip(*(column.tolist() for column in DATA), range(len(DATA.users)), strict=True))
HEAD = "userId,movieId,rating,timestamp"


def fitted(ratings: Any) -> list[NDArray[Any]]:
    als = ALS(rank=3, max_iter=2).fit(ratings)
    return [als.user_ids_, als.item_ids_, als.user_factors_, als.item_factors_]


@pytest.fixture(scope="module")
def expected(spark: Any) -> list[NDArray[Any]]:
    return fitted(tuple(DATA))


def lines(separator: str, fields: int = 4, part: slice = slice(None), head: str = "") -> str:
    body = [separator.join(map(str, row[:fields])) for row in ROWS[part]]
    return "\n".join([head] * bool(head) + body) + "\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def folder(at: Path, *names: str, head: str = "") -> Path:
    """The ratings in several files, among files that are none of ours."""
    for i, name in enumerate(names):
        write(at / name, lines(",", part=slice(i, None, len(names)), head=head))
    write(at / "_SUCCESS", "")
    write(at / ".hidden.csv", "what is this\n")
    return at


def parquet(path: Path, frame: pd.DataFrame) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path)
    return path


def parquets(at: Path) -> Path:
    for i in range(2):
        parquet(at / f"part-{i}.parquet", DATA.frame()[i::2])
    return at


FILES: dict[str, Callable[[Path], Any]] = {
    "CSV with a header": lambda t: write(t / "r.csv", lines(",", head=HEAD)),
    "CSV with a header and no time": lambda t: write(t / "r.csv", lines(",", 3, head=HEAD[:-10])),
    "CSV with a header, other order": lambda t: write(
        t / "r.csv", "\n".join(["rating,item,user", *(f"{r},{i},{u}" for u, i, r, _ in ROWS)])
    ),
    "CSV without a header": lambda t: write(t / "r.csv", lines(",")),
    "CSV all quoted": lambda t: write(
        t / "r.csv",
        "\n".join(['"user","item","rating"', *(f'"{u}","{i}","{r}"' for u, i, r, _ in ROWS)]),
    ),
    "CSV of Windows": lambda t: write(t / "r.csv", lines(",", head=HEAD).replace("\n", "\r\n")),
    "CSV with a byte order mark": lambda t: write(t / "r.csv", "\ufeff" + lines(",", head=HEAD)),
    "no header but a byte order mark": lambda t: write(t / "r.csv", "\ufeff" + lines(",")),
    "CSV with blank lines": lambda t: write(t / "r.csv", lines(",").replace("\n", "\n\n")),
    "CSV with blank lines before the header": lambda t: write(
        t / "r.csv", "\n  \n" + lines(",", head=HEAD)
    ),
    "CSV with dates for times": lambda t: write(
        t / "r.csv",
        lines(",", 3, head=HEAD[:-10])
        .replace("\n", ",2020-01-01\n")
        .replace("rating,2020-01-01", "rating,timestamp"),
    ),
    "CSV with blanks around": lambda t: write(t / "r.csv", lines(" , ")),
    "no newline at the end": lambda t: write(t / "r.csv", lines(",")[:-1]),
    "MovieLens": lambda t: write(t / "ratings.dat", lines("::")),
    "MovieLens without time": lambda t: write(t / "ratings.dat", lines("::", 3)),
    "tabs": lambda t: write(t / "u.data", lines("\t")),
    "semicolons": lambda t: write(t / "r.txt", lines(";")),
    "bars": lambda t: write(t / "r.txt", lines("|", 3)),
    "gzip": lambda t: write(t / "r.csv.gz", lines(",", head=HEAD)),
    "a text path": lambda t: str(write(t / "r.csv", lines(","))),
    "a file URI": lambda t: write(t / "r.csv", lines(",")).as_uri(),
    "a path with blanks": lambda t: write(t / "my films" / "r 1.csv", lines(",")),
    "a path with a comma": lambda t: write(t / "a,b" / "r,1.csv", lines(",")),
    "a folder": lambda t: folder(t / "all", "a.csv", "b.csv", "c.csv"),
    "a folder, each with a header": lambda t: folder(t / "all", "a.csv", "b.csv", head=HEAD),
    "a folder, an empty file first": lambda t: folder(
        write(t / "all" / "0.csv", "").parent, "a.csv", "b.csv"
    ),
    "a folder, gzipped in part": lambda t: folder(t / "all", "a.csv.gz", "b.csv", "c.csv.gz"),
    "a glob": lambda t: str(folder(t / "all", "x-1.csv", "x-2.csv") / "x-*.csv"),
    "a glob of folders": lambda t: folder(t / "all" / "1", "a.csv").parent / "*",
    "Parquet": lambda t: parquet(t / "r.parquet", DATA.frame()),
    "Parquet by another name": lambda t: parquet(t / "ratings", DATA.frame()),
    "a folder of Parquet": lambda t: parquets(t / "all"),
    "a glob of Parquet": lambda t: str(parquets(t / "all") / "part-*.parquet"),
}


@pytest.mark.parametrize("file", FILES)
def test_a_file_gives_the_same_factors(
    file: str, spark: Any, tmp_path: Path, expected: list[NDArray[Any]]
) -> None:
    found = fitted(FILES[file](tmp_path))
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        assert np.array_equal(a, b)


def test_what_spark_writes_is_read(
    spark: Any, tmp_path: Path, expected: list[NDArray[Any]]
) -> None:
    frame = spark.createDataFrame(DATA.frame()).repartition(3)
    frame.write.csv(str(tmp_path / "csv"), header=True, compression="gzip")
    frame.write.parquet(str(tmp_path / "parquet"))
    for name in ("csv", "parquet"):
        assert all(
            np.array_equal(a, b) for a, b in zip(fitted(tmp_path / name), expected, strict=True)
        )


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize(
    "number",
    [
        "4",
        "4.5",
        "-0.25",
        ".5",
        "5.",
        "1e1",
        "1E-2",
        "+2.5",
        " 3.5",
        "0.1",
        "3.4028234e38",
        "123456789.123",
        "0.000000000000000001",
        "1.17549435E-38",
    ],
)
def test_a_rating_reads_as_numpy_reads_it(
    number: str, quote: str, spark: Any, tmp_path: Path
) -> None:
    path = write(tmp_path / "r.csv", f"user,item,rating\n1,2,{quote}{number}{quote}\n")
    r = mllib_py.ratings(path)
    assert np.float32(next(iter(r.histogram()))) == np.float32(number)
    r.release()


def test_timestamps_are_taken_along_where_they_are(spark: Any, tmp_path: Path) -> None:
    for fields, timed in ((4, True), (3, False)):
        r = mllib_py.ratings(write(tmp_path / f"{fields}.dat", lines("::", fields)))
        assert r.has_timestamps is timed
        r.release()
    for frame, timed in ((DATA.frame().assign(timestamp=7), True), (DATA.frame(), False)):
        for given in (frame, spark.createDataFrame(frame)):
            r = mllib_py.ratings(given)
            assert r.has_timestamps is timed
            r.release()


def test_a_file_is_parsed_once(spark: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", lines(","))
    r = mllib_py.ratings(path)
    assert r.n_ratings == len(ROWS)
    path.unlink()
    assert r.n_users == 25
    r.release()
