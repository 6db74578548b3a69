from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

HERE = Path(__file__).parent
FAKE = HERE / "fake.py"

# A few films whose names are hard: Latin-1 letters, quotes, commas, a colon, two ids, two names.
TITLES = {
    1: "Toy Story (1995)",
    2: "Misérables, Les (1995)",
    3: 'Matrix "Reloaded", The (2003)',
    4: "Star Wars: Episode IV - A New Hope (1977)",
    5: "Alien (1979)",
    6: "Scream (1996)",
    7: "Seven (a.k.a. Se7en) (1995)",
    8: "Emma (1996)",
    9: "Emma (1996)",
    10: "Psycho (1960)",
    11: "Psycho (1998)",
    12: "Ghost (1990)",
}

Triple = tuple[int, int, int, int]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """mllib_py's public names in NumPy, in place for one test."""
    spec = importlib.util.spec_from_file_location("tutorial_fake", FAKE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "tutorial_fake", module)
    spec.loader.exec_module(module)
    module.put_in_place(monkeypatch.setattr)
    return module


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written into the checkout, and no test sees the cache of whoever runs it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def triples() -> list[Triple]:
    """320 ratings of 40 people: those of even number like films of even number."""
    draw = np.random.default_rng(7)
    return [
        (user, int(film), 5 - 3 * ((user + int(film)) % 2), 1_000_000_000 + 1000 * user + int(film))
        for user in range(1, 41)
        for film in sorted(draw.choice(np.arange(1, 13), size=8, replace=False))
    ]


def write_dat(folder: Path, ratings: str = "ratings.dat", movies: str = "movies.dat") -> Path:
    folder.mkdir(parents=True)
    films = "".join(f"{i}::{t}::Drama|Comedy\n" for i, t in TITLES.items())
    (folder / movies).write_bytes(films.encode("latin-1"))
    lines = "".join("::".join(map(str, row)) + "\n" for row in triples())
    (folder / ratings).write_text(lines)
    (folder / "users.dat").write_text("1::F::1::10::48067\n2::M::56::16::70072\n")
    (folder / "README").write_text("SUMMARY\n=======\n\nThese files contain 320 ratings.\n")
    return folder


def write_csv(folder: Path, ratings: str = "ratings.csv", movies: str = "movies.csv") -> Path:
    folder.mkdir(parents=True)
    films = "".join(
        '{},"{}",Drama|Comedy\r\n'.format(i, t.replace('"', '""')) for i, t in TITLES.items()
    )
    (folder / movies).write_text("movieId,title,genres\r\n" + films, encoding="utf-8", newline="")
    lines = "".join(f"{u},{i},{r}.0,{t}\n" for u, i, r, t in triples())
    (folder / ratings).write_text("userId,movieId,rating,timestamp\n" + lines)
    (folder / "links.csv").write_text("movieId,imdbId,tmdbId\n1,0114709,862\n2,0113497,8844\n")
    (folder / "tags.csv").write_text("userId,movieId,tag,timestamp\n2,60756,funny,1445714994\n")
    return folder


def write_u(folder: Path, ratings: str = "u.data", movies: str = "u.item") -> Path:
    folder.mkdir(parents=True)
    flags = "|".join("01" + "0" * 17)
    films = "".join(f"{i}|{t}|01-Jan-1995||http://x/|{flags}\n" for i, t in TITLES.items())
    (folder / movies).write_bytes(films.encode("latin-1"))
    lines = "".join("\t".join(map(str, row)) + "\n" for row in triples())
    (folder / ratings).write_text(lines)
    (folder / "u.user").write_text("1|24|M|technician|85711\n2|53|F|other|94043\n")
    (folder / "u.genre").write_text("unknown|0\nAction|1\n\n")
    (folder / "u.info").write_text("943 users\n1682 items\n100000 ratings\n")
    return folder


WRITERS: dict[str, Callable[..., Path]] = {"dat": write_dat, "csv": write_csv, "u": write_u}


@pytest.fixture
def writers() -> dict[str, Callable[..., Path]]:
    """What writes the same ratings in each of the three formats: dat, csv, u."""
    return WRITERS


@pytest.fixture
def titles() -> dict[int, str]:
    return TITLES


@pytest.fixture(params=sorted(WRITERS))
def any_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same ratings in each of the three formats."""
    return WRITERS[request.param](tmp_path / "data")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in the format of ml-1m."""
    return write_dat(tmp_path / "data")
