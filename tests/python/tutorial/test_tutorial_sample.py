from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from mllib_py.tutorial import sample

CHECKOUT = Path(__file__).parents[3]


def test_the_script_makes_the_same_bytes_again(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("m", CHECKOUT / "data" / "make_sample.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(tmp_path)
    for name in ("ratings.dat", "movies.dat"):
        assert (tmp_path / name).read_bytes() == (CHECKOUT / "data" / name).read_bytes()


def test_the_sample_is_small_sound_and_invented() -> None:
    folder = sample.sample_folder()
    lines = (folder / "ratings.dat").read_text().splitlines()
    assert sum(f.stat().st_size for f in folder.glob("*.dat")) < 1_500_000
    rows = [tuple(map(int, line.split("::"))) for line in lines]
    assert len({(user, film) for user, film, _, _ in rows}) == len(rows) == 57_551
    assert {rating for _, _, rating, _ in rows} == {1, 2, 3, 4, 5}
    titles = (folder / "movies.dat").read_text(encoding="latin-1").splitlines()
    assert len({line.split("::")[1] for line in titles}) == 360


def test_an_installation_without_the_sample_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sample, "_PLACES", (tmp_path,))
    with pytest.raises(ValueError, match="--data, or fetch one with --download"):
        sample.sample_folder()
