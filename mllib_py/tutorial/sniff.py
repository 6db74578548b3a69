"""Says what a MovieLens file holds from its first lines; names can mislead, lines do not."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from enum import Enum

# Enough for a few dozen lines of any of the three formats.
HEAD_BYTES = 64 * 1024
_MAX_LINES = 50

_RATING = r"\d+(?:\.\d+)?"
_DAT_RATING = re.compile(rf"\d+::\d+::{_RATING}(?:::\d+)?")
_TAB_RATING = re.compile(rf"\d+\t\d+\t{_RATING}(?:\t\d+)?")
_DAT_MOVIE = re.compile(r"\d+::(?:(?!::).)+::[^:]*")
_U_ITEM = re.compile(r"\d+\|[^|]+\|[^|]*\|[^|]*\|[^|]*(?:\|[01])+")


class Kind(Enum):
    """The two kinds of file that the tutorial reads."""

    RATINGS = "ratings"
    MOVIES = "movies"


@dataclass(frozen=True)
class Sniffed:
    """What a file is: its kind, its dialect and, for a CSV, the names in its header."""

    kind: Kind
    dialect: str
    header: tuple[str, ...] = ()

    def column(self, name: str) -> str:
        """Return the header's own spelling of a column's name."""
        return next(own for own in self.header if own.strip().lower() == name.lower())


def sniff(head: bytes) -> Sniffed | None:
    """Tell a file by its beginning.

    Parameters
    ----------
    head : bytes
        The first bytes of the file.

    Returns
    -------
    Sniffed or None
        None for anything that is neither ratings nor movies: users, tags, links, a licence.
    """
    lines = _whole_lines(head)
    if not lines:
        return None
    return _sniff_csv(lines[0]) or _sniff_lines(lines)


def decode(content: bytes) -> str:
    """Decode titles: the .csv files and ml-10m are UTF-8, ml-1m and ml-100k are Latin-1."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Never fails, so it comes second.
        return content.decode("latin-1")


def lines_of(text: str) -> list[str]:
    """Split at line feeds only: a Latin-1 title may hold bytes that `splitlines` takes for ends."""
    return [line.rstrip("\r") for line in text.split("\n")]


def _whole_lines(head: bytes) -> list[str]:
    # Latin-1, because the limit may have cut a UTF-8 character, and only ASCII matters here.
    text = head.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    lines = lines_of(text)
    # The last line may be cut off by the limit; a file of one line is taken as it is.
    whole = lines[:-1] if len(lines) > 1 else lines
    return [line for line in whole if line.strip()][:_MAX_LINES]


def _sniff_csv(first: str) -> Sniffed | None:
    header = tuple(next(csv.reader([first])))
    names = {name.strip().lower() for name in header}
    if {"userid", "movieid", "rating"} <= names:
        return Sniffed(Kind.RATINGS, "csv", header)
    if {"movieid", "title"} <= names:
        return Sniffed(Kind.MOVIES, "csv", header)
    return None


def _sniff_lines(lines: list[str]) -> Sniffed | None:
    # Ratings first: a line of three numbers would pass as a film, too.
    for pattern, kind, dialect in (
        (_DAT_RATING, Kind.RATINGS, "::"),
        (_TAB_RATING, Kind.RATINGS, "tab"),
        (_U_ITEM, Kind.MOVIES, "|"),
        (_DAT_MOVIE, Kind.MOVIES, "::"),
    ):
        # Most, not all: a malformed line is for the reader to name, it does not hide the file.
        if 2 * sum(pattern.fullmatch(line) is not None for line in lines) > len(lines):
            return Sniffed(kind, dialect)
    return None
