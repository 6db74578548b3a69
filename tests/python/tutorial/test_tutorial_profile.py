from __future__ import annotations

from pathlib import Path

import pytest

from mllib_py.tutorial.profile import SAMPLE_PROFILE, read_profile, sample_profile
from mllib_py.tutorial.sample import sample_folder
from mllib_py.tutorial.titles import TitleIndex

pytestmark = pytest.mark.usefixtures("fake")


def read(tmp_path: Path, text: str, titles: dict[int, str]) -> dict[int, float]:
    file = tmp_path / "mine.txt"
    file.write_text(text, encoding="utf-8")
    return read_profile(str(file), titles).ratings


@pytest.mark.parametrize(
    "line",
    [
        "3,4.5",
        " 3 , 4.5 ",
        "0::3::4.5",
        "0::3::4.5::978300760",
        "3::4.5",
        "99,3,4.5",
        "99,3,4.5,978300760",
        "0\t3\t4.5\t978300760",
        'Matrix "Reloaded", The (2003),4.5',
        '"The Matrix ""Reloaded"" (2003)",4.5',
        "the matrix reloaded,4.5",
    ],
)
def test_a_line_may_be_written_in_many_ways(
    tmp_path: Path, titles: dict[int, str], line: str
) -> None:
    assert read(tmp_path, line + "\n", titles) == {3: 4.5}


def test_comments_headers_blanks_and_unseen_films_are_passed_over(
    tmp_path: Path, titles: dict[int, str]
) -> None:
    text = "# mine\r\nmovieId,rating\r\n\r\n1,5\r\n5,0\r\n6,0.5"
    assert read(tmp_path, text, titles) == {1: 5.0, 6: 0.5}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1,6", "a rating is from 0.5 to 5"),
        ("1,-1", "a rating is from 0.5 to 5"),
        ("1,nan", "a rating is from 0.5 to 5"),
        ("1,good", "'good' is not a rating"),
        ("999,4", "no film has the id '999'"),
        ("0::999::4", "no film has the id '999'"),
        ("1", "expected a film and a rating"),
        ("1,2,3,4,5", "expected a film and a rating"),
        ("Casablanca (1942),5", "no film is called 'Casablanca"),
        ("Psycho,5", r"could be Psycho \(1960\) or Psycho \(1998\)"),
        ("2,4", "Misérables, Les .* is rated twice"),
    ],
)
def test_a_bad_line_is_named_with_its_number_and_text(
    tmp_path: Path, titles: dict[int, str], line: str, problem: str
) -> None:
    with pytest.raises(ValueError, match=rf"mine.txt, line 3: .*{problem}") as caught:
        read(tmp_path, f"# mine\n2,5\n{line}\n", titles)
    assert repr(line) in str(caught.value)


def test_a_file_that_rates_nothing_is_an_error(tmp_path: Path, titles: dict[int, str]) -> None:
    with pytest.raises(ValueError, match=r"mine.txt rates no film"):
        read(tmp_path, "# nothing yet\n1,0\n", titles)


def test_a_missing_file_is_an_error(tmp_path: Path, titles: dict[int, str]) -> None:
    with pytest.raises(ValueError, match="nowhere"):
        read_profile(str(tmp_path / "nowhere"), titles)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("les misérables (1995)", [2]),
        ("LES MISERABLES", [2]),
        ("star wars episode iv a new hope (1977)", [4]),
        ("Se7en (1995)", [7]),
        ("Seven", [7]),
        ("Emma (1996)", [8, 9]),
        ("Psycho (1998)", [11]),
        ("Alien (1980)", []),
        ("", []),
    ],
)
def test_titles_are_found_as_people_write_them(
    titles: dict[int, str], text: str, ids: list[int]
) -> None:
    assert TitleIndex(titles).find(text) == ids


def test_the_sample_profile_is_matched_by_title(titles: dict[int, str]) -> None:
    profile = sample_profile(titles, list(titles))
    assert profile.ratings == {4: 5.0, 5: 4.5, 6: 2.0, 12: 1.5}
    assert "sample profile" in profile.origin


def test_without_a_known_title_the_most_rated_films_stand_in() -> None:
    profile = sample_profile({7: "One", 8: "Two"}, [8, 7])
    assert profile.ratings == {8: 5.0, 7: 4.0}
    assert "most rated" in profile.origin


def test_the_sample_profile_knows_films_of_the_sample() -> None:
    movies = (sample_folder() / "movies.dat").read_text(encoding="latin-1").splitlines()
    titles = {int(line.split("::")[0]): line.split("::")[1] for line in movies}
    ratings = sample_profile(titles, []).ratings
    assert len(ratings) >= 8
    # It has a taste: likes and dislikes.
    assert {4.5, 5.0} <= set(ratings.values())
    assert min(ratings.values()) <= 2


@pytest.mark.parametrize(
    "name", ["ml-1m/movies.dat", "ml-100k/u.item", "ml-latest-small/movies.csv"]
)
def test_the_sample_profile_knows_films_of_movielens(name: str) -> None:
    from mllib_py.tutorial.folder import read_titles
    from mllib_py.tutorial.sniff import sniff

    file = Path(__file__).parents[4] / "shared" / "data" / name
    if not file.exists():
        pytest.skip("MovieLens is not here")
    layout = sniff(file.read_bytes()[:65536])
    assert layout is not None
    assert len(sample_profile(read_titles(str(file), layout), []).ratings) >= 10


def test_the_sample_profile_is_on_the_scale() -> None:
    assert all(0.5 <= rating <= 5 for _, rating in SAMPLE_PROFILE)
