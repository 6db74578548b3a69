"""A MovieLens folder: which file holds the ratings, which the films, and the films' titles."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

import mllib_py
import mllib_py.data
from mllib_py.tutorial.sniff import HEAD_BYTES, Kind, Sniffed, decode, lines_of, sniff

# Some archives hold several files of the same kind (ml-100k has its folds): then the name decides.
_USUAL_NAMES = {
    Kind.RATINGS: ("ratings.dat", "ratings.csv", "u.data"),
    Kind.MOVIES: ("movies.dat", "movies.csv", "u.item"),
}
_FORMAT = {"::": "MovieLens .dat", "csv": "MovieLens .csv", "tab": "MovieLens u.data"}


@dataclass(frozen=True)
class MovieFolder:
    """What a folder holds: where its ratings are, how they are written, and the titles by id."""

    ratings_uri: str
    ratings_layout: Sniffed
    titles: dict[int, str]

    @property
    def format(self) -> str:
        """The format's name, for people."""
        return _FORMAT[self.ratings_layout.dialect]

    def ratings(self) -> mllib_py.Ratings:
        """Hand the ratings file to Spark, which parses it where the data is."""
        layout = self.ratings_layout
        if layout.dialect != "csv":
            return mllib_py.ratings(self.ratings_uri)
        return mllib_py.ratings(
            self.ratings_uri,
            user_col=layout.column("userId"),
            item_col=layout.column("movieId"),
            rating_col=layout.column("rating"),
        )

    def title(self, movie: int) -> str:
        """Return a film's title, or its id in words where the movies file does not have it."""
        return self.titles.get(movie, f"film {movie}")


def open_folder(uri: str) -> MovieFolder:
    """Look into a folder and read its titles.

    Parameters
    ----------
    uri : str
        A folder with ml-1m's `.dat`, ml-latest's `.csv` or ml-100k's `u.*` files, local or
        `hdfs://`. The files are told apart by what is in them.

    Returns
    -------
    MovieFolder

    Raises
    ------
    ValueError
        When the folder holds no ratings or no films, or several files that could be either.
    """
    found = [(file, kind) for file in _visible(uri) if (kind := _sniff_file(file)) is not None]
    ratings_uri, layout = _the_one(Kind.RATINGS, found, uri)
    movies_uri, movies = _the_one(Kind.MOVIES, found, uri)
    return MovieFolder(ratings_uri, layout, read_titles(movies_uri, movies))


def read_titles(uri: str, layout: Sniffed) -> dict[int, str]:
    """Read the movies file: title by id."""
    text = decode(mllib_py.data.read_bytes(uri))
    titles: dict[int, str] = {}
    for number, line, fields in _movie_fields(text, layout):
        if len(fields) < 2 or not fields[0].strip().isdigit() or not fields[1].strip():
            raise ValueError(
                f"{name_of(uri)}, line {number}: expected a film's id and title, found {line!r}."
            )
        titles[int(fields[0])] = fields[1].strip()
    return titles


def name_of(uri: str) -> str:
    """Return the last part of a path or URI."""
    return unquote(uri.rstrip("/").rsplit("/", 1)[-1])


def _movie_fields(text: str, layout: Sniffed) -> Iterator[tuple[int, str, list[str]]]:
    if layout.dialect == "csv":
        reader = csv.reader(io.StringIO(text, newline=""))
        header = next(reader)
        at = [header.index(layout.column(name)) for name in ("movieId", "title")]
        for row in reader:
            if row:
                fields = [row[i] for i in at] if len(row) > max(at) else row[:1]
                yield reader.line_num, ",".join(row), fields
        return
    for number, line in enumerate(lines_of(text), start=1):
        if line.strip():
            yield number, line, _split_movie(line, layout.dialect)


def _split_movie(line: str, separator: str) -> list[str]:
    if separator == "|":
        return line.split("|")[:2]
    movie, _, rest = line.partition(separator)
    # The genres come last and hold no '::', so a title may.
    return [movie, rest.rpartition(separator)[0]]


def _visible(uri: str) -> list[str]:
    # Spark and Hadoop leave _SUCCESS, .crc and the like beside the data.
    return [file for file in mllib_py.data.list_files(uri) if name_of(file)[:1] not in ("_", ".")]


def _sniff_file(uri: str) -> Sniffed | None:
    return sniff(mllib_py.data.read_bytes(uri, limit=HEAD_BYTES))


def _the_one(kind: Kind, found: list[tuple[str, Sniffed]], folder: str) -> tuple[str, Sniffed]:
    candidates = [(uri, layout) for uri, layout in found if layout.kind is kind]
    if not candidates:
        raise ValueError(
            f"No {kind.value} file in {folder}: expected a MovieLens folder with "
            "ratings.dat and movies.dat, ratings.csv and movies.csv, or u.data and u.item."
        )
    if len(candidates) > 1:
        usual = [it for it in candidates if name_of(it[0]) in _USUAL_NAMES[kind]]
        if len(usual) != 1:
            names = ", ".join(sorted(name_of(uri) for uri, _ in candidates))
            raise ValueError(f"Several files in {folder} hold {kind.value} ({names}); keep one.")
        candidates = usual
    return candidates[0]
