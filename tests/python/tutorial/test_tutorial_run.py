"""The command from end to end on small data, with a stand-in for Spark."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import mllib_py
from mllib_py.cli import main

QUICK = ["--ranks", "2,4", "--regs", "0.05,0.1", "--iterations", "4", "--k", "3"]

pytestmark = pytest.mark.usefixtures("fake")


def movielens(*arguments: str | Path) -> int:
    return main(["movielens", *QUICK, *map(str, arguments)])


def as_json(capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    capfd.readouterr()
    assert movielens("--json", *arguments) == 0
    found: dict[str, Any] = json.loads(capfd.readouterr().out)
    return found


def test_json_is_the_only_thing_on_standard_output(
    any_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = as_json(capfd, "--data", any_folder)
    assert set(found) == {
        *("n_ratings", "n_users", "n_movies", "best", "validation_rmse", "test_rmse"),
        *("baseline_rmse", "recommendations", "seconds", "strategy"),
    }
    assert (found["n_ratings"], found["n_users"], found["n_movies"]) == (320, 40, 12)
    assert found["best"]["rank"] in (2, 4)
    assert found["best"]["reg"] in (0.05, 0.1)
    assert found["test_rmse"] < 0.7 * found["baseline_rmse"]
    assert found["validation_rmse"] > 0
    assert found["strategy"] == "broadcast"
    assert {"start", "load", "split", "grid", "refit", "test", "recommend"} <= set(found["seconds"])
    assert len(found["recommendations"]) == 3
    assert all(set(it) == {"movie_id", "title", "score"} for it in found["recommendations"])
    scores = [it["score"] for it in found["recommendations"]]
    assert scores == sorted(scores, reverse=True)


def test_a_printing_library_does_not_spoil_the_json(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    def noisy(*_: object, **__: object) -> None:
        print("from Python")
        os.write(1, b"from a child process\n")

    monkeypatch.setattr(mllib_py, "session", noisy)
    assert movielens("--json", "--data", folder) == 0
    out, err = capfd.readouterr()
    assert len(out.splitlines()) == 1
    assert json.loads(out)
    assert "from Python" in err
    assert "from a child process" in err


def test_the_story_names_every_step_and_its_time(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert movielens("--data", folder, "--out", "result") == 0
    out, _ = capfd.readouterr()
    assert "plan" in out.partition("1. Start Spark")[0]
    steps = re.findall(r"^(\d+)\. ", out, re.MULTILINE)
    assert steps == [str(n) for n in range(1, 10)]
    assert len(re.findall(r"done in \d+\.\d s", out)) == 9
    assert out.count("validation RMSE") == 4
    assert "sample profile" in out
    assert "Report: result/report.html" in out
    assert Path("result/model/model.json").is_file()


def test_your_films_are_trained_on_and_never_recommended(
    folder: Path, fake: ModuleType, capfd: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    fitted = []
    fit = fake.ALS.fit

    def spy(self: Any, data: Any, **rest: Any) -> Any:
        fitted.append(data.frame)
        return fit(self, data, **rest)

    monkeypatch.setattr(fake.ALS, "fit", spy)
    # Emma has two ids: whoever rated one does not want the other.
    Path("mine").write_text("Alien (1979),5\n8,4\n1,3\n")
    found = as_json(capfd, "--data", folder, "--my-ratings", "mine", "--k", "12")
    films = {it["movie_id"] for it in found["recommendations"]}
    assert films == {2, 3, 4, 6, 7, 10, 11, 12}
    for frame in fitted:
        assert set(frame[frame["user"] == 0]["item"]) == {5, 8, 1}


def test_user_0_stays_who_it_is(folder: Path, fake: ModuleType, monkeypatch: Any) -> None:
    with (folder / "ratings.dat").open("a") as ratings:
        ratings.write("0::1::5::1000000000\n")
    asked = []
    recommend = fake.ALS.recommend

    def spy(self: Any, users: list[int], **rest: Any) -> Any:
        asked.append(users)
        return recommend(self, users, **rest)

    monkeypatch.setattr(fake.ALS, "recommend", spy)
    assert movielens("--data", folder) == 0
    assert asked == [[-1]]


def test_the_test_part_is_seen_once_and_by_no_fit(
    folder: Path, fake: ModuleType, capfd: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    fitted, scored = [], []
    fit, score = fake.ALS.fit, fake.ALS.score

    def pairs(data: Any) -> set[tuple[int, int]]:
        return set(zip(data.frame["user"], data.frame["item"], strict=True))

    def spy_fit(self: Any, data: Any, **rest: Any) -> Any:
        fitted.append(pairs(data))
        return fit(self, data, **rest)

    def spy_score(self: Any, data: Any) -> Any:
        scored.append(pairs(data))
        return score(self, data)

    monkeypatch.setattr(fake.ALS, "fit", spy_fit)
    monkeypatch.setattr(fake.ALS, "score", spy_score)
    as_json(capfd, "--data", folder)
    *validations, test = scored
    assert len(validations) == 4
    assert all(validation == validations[0] for validation in validations)
    assert not any(test & training for training in fitted)
    assert all(training | validations[0] == fitted[-1] for training in fitted[:-1])


def test_by_time_the_latest_ratings_are_the_test(
    folder: Path, fake: ModuleType, capfd: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    seen = []
    score = fake.ALS.score

    def spy(self: Any, data: Any) -> Any:
        seen.append(data.frame["time"])
        return score(self, data)

    monkeypatch.setattr(fake.ALS, "score", spy)
    as_json(capfd, "--data", folder, "--split", "time")
    assert seen[0].max() <= seen[-1].min()


def test_the_same_seed_gives_the_same_result(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first, again, other = (
        as_json(capfd, "--data", folder, "--seed", seed) for seed in ("1", "1", "2")
    )
    assert first["test_rmse"] == again["test_rmse"] != other["test_rmse"]


def test_rarely_rated_films_are_left_out_on_request(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with (folder / "movies.dat").open("a") as movies:
        movies.write("13::Hidden Gem (2001)::Drama\n")
    with (folder / "ratings.dat").open("a") as ratings:
        ratings.write("2::13::5::1000000000\n4::13::5::1000000000\n")

    def ids(*more: str) -> set[int]:
        found = as_json(capfd, "--data", folder, "--k", "20", *more)
        return {it["movie_id"] for it in found["recommendations"]}

    everything = ids()
    if 13 in everything:  # both of its ratings may have gone to the test
        assert movielens("--data", folder, "--k", "20") == 0
        assert re.search(r"Hidden Gem \(2001\)  \(rated by 2\)", capfd.readouterr().out)
    assert ids("--min-ratings", "3") == everything - {13}


def no_timestamps(folder: Path) -> list[str]:
    rows = (folder / "ratings.dat").read_text().splitlines()
    (folder / "ratings.dat").write_text("".join(row.rpartition("::")[0] + "\n" for row in rows))
    return ["--data", str(folder), "--split", "time"]


def too_few(folder: Path) -> list[str]:
    (folder / "ratings.dat").write_text("1::1::5::1\n1::2::4::2\n")
    return ["--data", str(folder)]


def malformed(folder: Path) -> list[str]:
    with (folder / "ratings.dat").open("a") as ratings:
        ratings.write("1::2\n")
    return ["--data", str(folder)]


def bad_profile(folder: Path) -> list[str]:
    Path("mine").write_text("1,5\n1,seven\n")
    return ["--data", str(folder), "--my-ratings", "mine"]


def out_is_a_file(folder: Path) -> list[str]:
    Path("taken").write_text("")
    return ["--data", str(folder), "--out", "taken"]


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (no_timestamps, "no timestamps; use --split random"),
        (too_few, "2 ratings are too few to split in three"),
        (malformed, "line 321 is malformed: '1::2'"),
        (bad_profile, r"mine, line 2: 'seven' is not a rating \(the line is '1,seven'\)"),
        (out_is_a_file, "File exists: taken"),
        (lambda _: ["--data", "nowhere"], "There is no folder nowhere"),
        (lambda folder: ["--data", str(folder.parent)], "No ratings file in"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    folder: Path,
    capfd: pytest.CaptureFixture[str],
    prepare: Callable[[Path], list[str]],
    sentence: str,
) -> None:
    assert movielens("--json", *prepare(folder)) == 2
    out, err = capfd.readouterr()
    assert out == ""
    last = err.splitlines()[-1]
    assert last.startswith("mllib-py: ")
    assert re.search(sentence, last)
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--strategy", "magic"],
        ["--ranks", "8,0"],
        ["--ranks", ""],
        ["--regs", "-0.1"],
        ["--regs", "nan"],
        ["--k", "0"],
        ["--seed", "x"],
        ["--download", "ml-10m"],
        ["--data", "a", "--download", "ml-1m"],
    ],
)
def test_a_bad_argument_is_refused_before_anything_starts(
    capfd: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        movielens(*arguments)
    assert stopped.value.code == 2
    assert "Traceback" not in capfd.readouterr().err


def test_a_missing_java_is_one_sentence(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def session(**_: object) -> None:
        raise RuntimeError("Java 17 or later is needed: apt-get install openjdk-17-jdk-headless")

    monkeypatch.setattr(mllib_py, "session", session)
    assert movielens("--data", folder) == 2
    assert capfd.readouterr().err.startswith("mllib-py: Java 17 or later is needed")


def test_a_failure_in_the_jvm_is_no_mistake_of_the_user(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def session(**_: object) -> None:
        raise mllib_py.MLlibError("an executor was lost")

    monkeypatch.setattr(mllib_py, "session", session)
    assert movielens("--data", folder) == 1
    assert "an executor was lost" in capfd.readouterr().err
    monkeypatch.setenv("MLLIB_PY_TRACEBACK", "1")
    with pytest.raises(mllib_py.MLlibError):
        movielens("--data", folder)


def test_without_the_extra_it_says_what_to_install(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mllib_py.tutorial import extra

    monkeypatch.setattr(extra, "find_spec", lambda name: None if name == "jinja2" else name)
    assert movielens("--data", folder) == 2
    message = "The tutorial needs jinja2: run pip install 'mllib-py[tutorial]'."
    assert capfd.readouterr().err == f"mllib-py: {message}\n"


class References(HTMLParser):
    """Collects whatever a browser would fetch, and whether every tag is closed."""

    VOID = frozenset({"meta", "link", "br", "img", "line", "rect", "path", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self.fetched += [v or "" for k, v in attrs if k in ("src", "href", "data", "action")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_report_stands_alone(folder: Path, titles: dict[int, str]) -> None:
    Path("mine").write_text("3,5\n2,4\n")
    assert movielens("--data", folder, "--my-ratings", "mine", "--out", "o ut") == 0
    page = Path("o ut/report.html").read_text(encoding="utf-8")
    found = References()
    found.feed(page)
    assert found.open == []
    assert found.fetched == []
    assert not {"script", "link", "img", "iframe"} & set(found.tags)
    assert not re.search(r"https?://|@import|url\(", page)
    # The four parts that were promised, and the numbers.
    assert found.tags.count("svg") == 2
    assert all(part in page for part in ("Your list", "The grid", "Convergence", "How people rate"))
    assert page.count("<circle") == 8  # half-steps of the final fit
    assert len(re.findall(r'<div class="best', page)) == 1
    # Titles are text, not markup.
    assert "Matrix &#34;Reloaded&#34;, The (2003)" in page
    assert "Misérables" in page
    assert "mllib-py movielens --data" in page
    assert "&#39;o ut&#39;" in page
    assert "Harper" in page


def test_a_user_who_rated_everything_gets_an_empty_list_and_a_report(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("mine").write_text("".join(f"{movie},4\n" for movie in range(1, 13)))
    assert as_json(capfd, "--data", folder, "--my-ratings", "mine")["recommendations"] == []
    assert "You have rated every film" in Path("movielens-out/report.html").read_text()


def test_the_sample_is_the_default(capfd: pytest.CaptureFixture[str]) -> None:
    found = as_json(capfd, "--ranks", "8", "--regs", "0.06", "--iterations", "6")
    assert (found["n_ratings"], found["n_users"], found["n_movies"]) == (57_551, 900, 360)
    assert found["test_rmse"] < 0.7 * found["baseline_rmse"]


def test_the_jar_can_be_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["jar"]) == 0
    assert capfd.readouterr().out.strip().endswith("mllib_py/jars/mllib-py.jar")
