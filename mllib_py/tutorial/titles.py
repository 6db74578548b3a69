"""Finds films by title the way people write them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping

_YEAR = re.compile(r"\s*\((\d{4})\)\s*$")
_BRACKETS = re.compile(r"\s*\(([^()]*)\)")
_ALSO = re.compile(r"^a\.?k\.?a\.?\s+", re.IGNORECASE)
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
            for key in _keys(titles[movie]):
                self._ids[key].append(movie)

    def find(self, text: str) -> list[int]:
        """Return the ids of the films called so, in order; without a year, of any year."""
        return self._ids.get(_key(text), [])

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


def _keys(title: str) -> set[str]:
    """Return the keys of a title: its names, with and without the year.

    `Seven (a.k.a. Se7en) (1995)` has three names: the whole, the first and the one in brackets.
    """
    year = _YEAR.search(title)
    whole = _YEAR.sub("", title)
    names = {whole, _BRACKETS.sub("", whole), *_BRACKETS.findall(whole)}
    plain = {_key(_ALSO.sub("", name)) for name in names} - {""}
    return plain | ({f"{name} {year[1]}" for name in plain} if year else set())


def _key(name: str) -> str:
    """Reduce a name to its words: small letters, no accents, the article in front."""
    year = _YEAR.search(name)
    text = _ARTICLE_LAST.sub(r"\2 \1", _YEAR.sub("", name).strip().casefold())
    letters = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    words = re.findall(r"\w+", "".join(letters))
    return " ".join([*words, year[1]] if year else words)
