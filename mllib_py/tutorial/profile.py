"""Your ratings: from a file, from a sample profile, or asked for in `prompt`."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mllib_py.data
from mllib_py.tutorial.folder import name_of
from mllib_py.tutorial.sniff import decode, lines_of
from mllib_py.tutorial.titles import TitleIndex

LOWEST, HIGHEST = 0.5, 5.0
_SKIP = 0.0

# Someone who likes science fiction and thrillers and does not care for romance or horror.
# The first films are MovieLens's, the others are of the generated sample under data/.
SAMPLE_PROFILE: tuple[tuple[str, float], ...] = (
    ("Star Wars: Episode IV - A New Hope (1977)", 5),
    ("Star Wars (1977)", 5),
    ("Blade Runner (1982)", 5),
    ("Alien (1979)", 4.5),
    ("Terminator, The (1984)", 4.5),
    ("Twelve Monkeys (1995)", 4),
    ("Fargo (1996)", 4),
    ("Usual Suspects, The (1995)", 4.5),
    ("Sleepless in Seattle (1993)", 2),
    ("Ghost (1990)", 1.5),
    ("Scream (1996)", 2),
    ("Quantum Ferry (1973)", 5),
    ("Android Protocol Nine (1984)", 5),
    ("Starlight Protocol Nine (1984)", 4.5),
    ("False Stairwell (1959)", 4.5),
    ("Cold Passport (2000)", 4),
    ("Letters to the Lighthouse Keeper (1977)", 1.5),
    ("Promise Me, Valentin (1990)", 2),
    ("Return to Grimsby Fen (1991)", 2),
)
_SAMPLE_ORIGIN = "the sample profile (likes science fiction and thrillers, not romance)"
_FALLBACK = (5.0, 4.0, 4.5, 3.0, 4.0)


@dataclass(frozen=True)
class Profile:
    """Your ratings by film id, and a few words on where they are from."""

    ratings: dict[int, float]
    origin: str


def read_profile(uri: str, titles: Mapping[int, str]) -> Profile:
    """Read a file of your ratings, one film per line.

    A line is `movieId,rating`, `userId,movieId,rating[,timestamp]`, the same with `::`, or
    `Title (Year),rating`; a rating of 0 means not seen. Empty lines, lines that start with `#`
    and a header are passed over.

    Parameters
    ----------
    uri : str
        The file, local or `hdfs://`.
    titles : mapping of int to str
        Title by film id.

    Returns
    -------
    Profile

    Raises
    ------
    ValueError
        For a line that cannot be used, with its number and text.
    """
    name = name_of(uri)
    index = TitleIndex(titles)
    ratings: dict[int, float] = {}
    for number, line in enumerate(lines_of(decode(mllib_py.data.read_bytes(uri))), start=1):
        if not line.strip() or line.startswith("#") or (not ratings and _is_header(line)):
            continue
        try:
            movie, rating = _read_line(line.strip(), titles, index)
            if movie in ratings:
                raise ValueError(f"{titles[movie]} is rated twice")
        except ValueError as error:
            raise ValueError(f"{name}, line {number}: {error} (the line is {line!r}).") from None
        if rating != _SKIP:
            ratings[movie] = rating
    if not ratings:
        raise ValueError(f"{name} rates no film.")
    return Profile(ratings, f"the file {name}")


def sample_profile(titles: Mapping[int, str], most_rated: Sequence[int]) -> Profile:
    """Return the stated sample profile, as far as its films are in the data.

    Parameters
    ----------
    titles : mapping of int to str
        Title by film id.
    most_rated : sequence of int
        The most rated films: they stand in when none of the profile's films is there.
    """
    index = TitleIndex(titles)
    # The most rated of namesakes, because that is the film people mean.
    place = {movie: at for at, movie in enumerate(most_rated)}
    ratings: dict[int, float] = {}
    for title, rating in SAMPLE_PROFILE:
        if ids := index.find(title):
            ratings[min(ids, key=lambda movie: place.get(movie, len(place)))] = rating
    if ratings:
        return Profile(
            ratings, "the sample profile (likes science fiction and thrillers, not romance)"
        )
    stand_ins = dict(zip(most_rated, _FALLBACK, strict=False))
    return Profile(stand_ins, "a sample profile made of the most rated films")


def read_rating(text: str) -> float:
    """Read one rating: 0.5 to 5, or 0 for a film not seen."""
    try:
        rating = float(text)
    except ValueError:
        raise ValueError(f"{text.strip()!r} is not a rating") from None
    if rating != _SKIP and not LOWEST <= rating <= HIGHEST:
        raise ValueError(f"a rating is from {LOWEST:g} to {HIGHEST:g}, or 0 for not seen")
    return rating


def _is_header(line: str) -> bool:
    return line.strip().lower().replace(" ", "").startswith(("movieid,", "userid,", "title,"))


def _read_line(line: str, titles: Mapping[int, str], index: TitleIndex) -> tuple[int, float]:
    fields = _split(line)
    if len(fields) < 2:
        raise ValueError("expected a film and a rating")
    if not fields[0].strip().isdigit():
        # A title may hold commas, so all but the last field belong to it.
        title = fields[0] if len(fields) == 2 else line.rpartition(",")[0]
        return index.find_one(title.strip()), read_rating(fields[-1])
    if len(fields) > 4:
        raise ValueError("expected a film and a rating")
    # Two fields: film, rating. More: user, film, rating and perhaps a timestamp.
    film, rating = fields[:2] if len(fields) == 2 else fields[1:3]
    if not film.strip().isdigit() or int(film) not in titles:
        raise ValueError(f"no film has the id {film.strip()!r}")
    return int(film), read_rating(rating)


def _split(line: str) -> list[str]:
    if "::" in line:
        return line.split("::")
    if "\t" in line:
        return line.split("\t")
    return next(csv.reader([line], skipinitialspace=True))
