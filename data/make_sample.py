"""Makes the sample: invented films rated by invented people, in MovieLens 1M's format.

    python data/make_sample.py [FOLDER]

The same seed gives the same bytes: PCG64, whose stream NumPy keeps, and arithmetic on its
integers and uniforms only, because NumPy may change how it derives other distributions.
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEED = 20240601
USERS, FILMS = 900, 360
# Ratings per user: at least this many, and this many more on average for the keen ones.
FEWEST, MORE = 20, 46
NOISE = 0.62
FIRST_SECOND, SECONDS = 978_307_200, 3 * 365 * 86_400  # three years from 1 January 2001

Floats = NDArray[np.float64]

# Per genre: openings and endings of titles. A film is one of each, so that a title tells its kind.
WORDS: dict[str, tuple[str, str]] = {
    "Sci-Fi": (
        "Orbit|Quantum|Starlight|Android|Nebula|Titanium|Gravity's|Plasma|Europa|Zero-Point",
        "Cartographers|Lullaby of Io|Greenhouse|Protocol Nine|Beekeepers|Ferry|Locksmith"
        "|Parliament",
    ),
    "Thriller": (
        "Cold|Silent|The Ninth|Borrowed|Midnight|A Paper|The Locked|Seven|The Amber|False",
        "Alibi|Witness Box|Ledger|Stairwell|Informer|Safe House|Cipher|Passport",
    ),
    "Romance": (
        "A Kiss for|Letters to|Waltzing with|The Wedding of|Dearest|Spring with|Lost without"
        "|Promise Me,",
        "Marguerite|the Lighthouse Keeper|Señor Quince|Amélie Brandt|the Baker|Valentin|Rosalind",
    ),
    "Comedy": (
        "My Uncle's|The Accidental|Grandma's|The Wet|The Reluctant|Oops, a|The Vicar's"
        "|A Very Small",
        "Llama|Circus Loan|Submarine|Llandudno Holiday|Dentist|Trombone|Café Müller|Moustache",
    ),
    "Horror": (
        "The Cellar at|Blood over|The Hollow of|Nightfall in|The Scream of|What Crawled from"
        "|Return to",
        "Grimsby Fen|Ashgrove Manor|Pit No. 4|Widow's Lake|Dollmaker Street|Ravenmoor|Öster Bog",
    ),
    "Drama": (
        "The Winter of|Sons of|The Silence of|A Field in|Remembering|The Last Harvest of|Bread for",
        "Tomasz|Saltmarsh|the Ferryman's Wife|Old Tbilisi|Sister Agnès|Kilometre 40|the Weavers",
    ),
    "Western": (
        "Dust on|Six Graves for|The Long Ride to|A Badge in|Gunsmoke at|The Widow of",
        "Coyote Bend|Dry Fork|Silver Mesa|Tin Cup Pass|Mercy Wells|San Perdido",
    ),
}


def main(folder: Path) -> None:
    """Write movies.dat and ratings.dat into a folder."""
    random = np.random.Generator(np.random.PCG64(SEED))
    titles, genres = make_films(random)
    movies = "".join(
        f"{film}::{title}::{'|'.join(kinds)}\n"
        for film, (title, kinds) in enumerate(zip(titles, genres, strict=True), start=1)
    )
    # Latin-1, as in MovieLens 1M.
    (folder / "movies.dat").write_bytes(movies.encode("latin-1"))
    (folder / "ratings.dat").write_text("".join(make_ratings(random, genres)), encoding="ascii")


def make_films(random: np.random.Generator) -> tuple[list[str], list[list[str]]]:
    """Invent titles and genres; the first genre is the one that the title is made of."""
    names = list(WORDS)
    every = [
        (kind, f"{opening} {ending}")
        for kind in names
        for opening, ending in product(*(part.split("|") for part in WORDS[kind]))
    ]
    titles, genres = [], []
    for at in random.permutation(len(every))[:FILMS]:
        kind, name = every[at]
        second = names[random.integers(len(names))]
        titles.append(f"{_article_last(name)} ({1951 + int(random.integers(50))})")
        genres.append(list(dict.fromkeys((kind, second))))
    return titles, genres


def _article_last(name: str) -> str:
    for article in ("The", "A"):
        if name.startswith(f"{article} "):
            return f"{name.removeprefix(article).strip()}, {article}"
    return name


def make_ratings(random: np.random.Generator, genres: list[list[str]]) -> list[str]:
    """Let everyone rate a number of films, popular ones more often; lines in order of user."""
    names = list(WORDS)
    # What a film offers: its genres, the first one more, and two traits that genres do not tell.
    offers = np.zeros((FILMS, len(names) + 2))
    for film, kinds in enumerate(genres):
        offers[film, names.index(kinds[0])] = 1.0
        for kind in kinds[1:]:
            offers[film, names.index(kind)] = 0.5
    offers[:, -2:] = bell(random, (FILMS, 2))
    wants = bell(random, (USERS, len(names) + 2)) * ([0.95] * len(names) + [0.3, 0.3])
    quality, kindness = 0.45 * bell(random, (FILMS,)), 0.35 * bell(random, (USERS,))
    popularity = 1.0 / (4.0 + random.permutation(FILMS)) ** 0.8

    lines = []
    for user in range(USERS):
        keen = -np.log(1.0 - random.random())
        count = min(FEWEST + int(MORE * keen), FILMS * 2 // 3)
        films = _choose(random, popularity, count)
        opinion = 3.55 + quality[films] + kindness[user] + offers[films] @ wants[user]
        stars = np.clip(np.rint(opinion + NOISE * bell(random, (count,))), 1, 5).astype(int)
        times = FIRST_SECOND + np.floor(random.random(count) * SECONDS).astype(np.int64)
        for film, star, time in zip(films, stars, times, strict=True):
            lines.append(f"{user + 1}::{film + 1}::{star}::{time}\n")
    return lines


def bell(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Return numbers of mean 0 and variance 1: the sum of twelve uniforms, less six."""
    return random.random((12, *shape)).sum(axis=0) - 6.0


def _choose(random: np.random.Generator, weights: Floats, count: int) -> NDArray[np.int64]:
    """Choose without repeats: the largest of u^(1/w) (Efraimidis and Spirakis)."""
    keys = np.log(1.0 - random.random(len(weights))) / weights
    return np.argsort(-keys, kind="stable")[:count]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
