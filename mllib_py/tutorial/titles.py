"""Finds films by title the way people write them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping

_YEAR = re.compile(r"\s*\((\d{4})\)\s*$")
_ARTICLE_LAST = re.compile(r"^(.*), (the|a|an|la|le|les|el|il|los|las|der|die|das)$")


class TitleIndex:
    """Looks titles up whatever their case, accents, punctuation or the place of their article.

    Parameters
    ----------
    titles : mapping of int to str
        Title by film id, as MovieLens writes it: `Matrix, The (1999)`.
    """

    def __init__(self, titles: Mapping[int, str]) -> None:
        self._titles = titles
        self._ids: defaultdict[str, list[int]] = defaultdict(list)
        for movie in sorted(titles):
            name, year = _parts(titles[movie])
            self._ids[name].append(movie)
            if year:
                self._ids[f"{name} {year}"].append(movie)

    def find(self, text: str) -> list[int]:
        """Return the ids of the films called so, in order; without a year, of any year."""
        name, year = _parts(text)
        return self._ids.get(f"{name} {year}" if year else name, [])

    def find_one(self, text: str) -> int:
        """Return the id of the film called so.

        Raises
        ------
        ValueError
            When there is none, or films of different titles answer to the name.
        """
        ids = self.find(text)
        if not ids:
            raise ValueError(f"no film is called {text!r}")
        names = sorted({self._titles[movie] for movie in ids})
        if len(names) > 1:
            raise ValueError(f"{text!r} could be {' or '.join(names[:3])}")
        return ids[0]

    def namesakes(self, movies: Iterable[int]) -> set[int]:
        """Return all ids whose title is that of one of these: some films have several ids."""
        return {
            twin
            for movie in movies
            if movie in self._titles
            for twin in self.find(self._titles[movie])
        }


def _parts(title: str) -> tuple[str, str]:
    year = _YEAR.search(title)
    name = _YEAR.sub("", title).strip().casefold()
    name = _ARTICLE_LAST.sub(r"\2 \1", name)
    plain = unicodedata.normalize("NFKD", name)
    words = re.findall(r"\w+", "".join(c for c in plain if not unicodedata.combining(c)))
    return " ".join(words), year[1] if year else ""
