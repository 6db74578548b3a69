"""Fetching archives, against a real HTTP server on this machine that misbehaves on request."""

from __future__ import annotations

import hashlib
import io
import os
import re
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mllib_py.cli import main
from mllib_py.tutorial import download, transfer
from mllib_py.tutorial.download import Archive, fetch
from mllib_py.tutorial.story import Story
from mllib_py.tutorial.unpack import unpack


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return buffer.getvalue()


# Random bytes, so that a part of it is a part of nothing else.
RATINGS = os.urandom(300_000)
ML_1M = archive({"ml-1m/ratings.dat": RATINGS, "ml-1m/movies.dat": b"1::A (2000)::Drama\n"})


class Server(ThreadingHTTPServer):
    """Serves one file; what is asked of it is kept, how it fails is set by the test."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = ML_1M
        self.etag = '"v1"'
        self.knows_ranges = True
        self.status = 0
        self.cuts: list[int] = []  # after so many bytes, answer by answer
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append((self.path, wanted))
        content, start = self.server.content, 0
        if self.server.status:
            self.send_error(self.server.status)
            return
        # If-Range of another version: everything is sent (RFC 9110, 13.1.5).
        same = self.headers.get("If-Range", self.server.etag) == self.server.etag
        if wanted and self.server.knows_ranges and same:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        body = content[start:]
        self.send_header("Content-Length", str(len(body)))
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        self.end_headers()
        if self.server.cuts:
            body = body[: self.server.cuts.pop(0)]
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(transfer, "PAUSE", 0.0)
    published = Archive("ml-1m", hashlib.md5(ML_1M).hexdigest())
    monkeypatch.setitem(download.ARCHIVES, "ml-1m", published)
    with Server() as server:
        monkeypatch.setenv("MLLIB_PY_MOVIELENS_URL", server.url + "/")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def story() -> Story:
    return Story(io.StringIO())


def told(story: Story) -> str:
    assert isinstance(story.stream, io.StringIO)
    return story.stream.getvalue()


def beside(folder: Path) -> set[str]:
    return {path.name for path in folder.parent.iterdir()}


def test_an_archive_is_fetched_checked_unpacked_and_kept(server: Server, story: Story) -> None:
    folder = fetch("ml-1m", story)
    assert (folder / "ratings.dat").read_bytes() == RATINGS
    assert beside(folder) == {"ml-1m"}  # neither the archive nor a part of it is left
    assert fetch("ml-1m", story) == folder
    assert server.asked == [("/ml-1m.zip", None)]
    assert "It is in the cache" in told(story)


def test_the_licence_is_said_before_anything_is_fetched(server: Server, story: Story) -> None:
    server.status = 404
    with pytest.raises(ValueError, match="404"):
        fetch("ml-1m", story)
    for words in ("do not pass it on", "commercially without their permission", "Harper"):
        assert words in told(story)


def test_a_cut_connection_is_taken_up_where_it_broke(server: Server, story: Story) -> None:
    server.cuts = [100_000, 50_000]
    folder = fetch("ml-1m", story)
    assert (folder / "ratings.dat").read_bytes() == RATINGS
    assert [wanted for _, wanted in server.asked] == [None, "bytes=100000-", "bytes=150000-"]


def test_the_next_run_goes_on_where_the_last_one_gave_up(server: Server, story: Story) -> None:
    server.cuts = [100_000, 0, 0, 0]
    with pytest.raises(ValueError, match="the same command goes on where this one stopped"):
        fetch("ml-1m", story)
    folder = fetch("ml-1m", story)
    assert (folder / "ratings.dat").read_bytes() == RATINGS
    assert server.asked[-1][1] == "bytes=100000-"


@pytest.mark.parametrize("cuts", [[100_000], [100_000, 50_000, 120_000]])
def test_a_server_that_ignores_ranges_sends_all_of_it_again(
    server: Server, story: Story, cuts: list[int]
) -> None:
    server.knows_ranges = False
    server.cuts = cuts
    assert (fetch("ml-1m", story) / "ratings.dat").read_bytes() == RATINGS


def test_a_server_that_never_finishes_is_given_up(server: Server, story: Story) -> None:
    server.knows_ranges = False
    server.cuts = [100_000, 50_000] * 50
    with pytest.raises(ValueError, match="the connection was cut"):
        fetch("ml-1m", story)
    assert len(server.asked) < 10


def test_a_part_of_another_version_is_dropped(
    server: Server, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.content = archive({"ml-latest-small/ratings.csv": os.urandom(200_000)})
    server.cuts = [100_000, 0, 0, 0]
    with pytest.raises(ValueError, match="goes on"):
        fetch("ml-latest-small", story)
    newer = os.urandom(220_000)
    server.content = archive({"ml-latest-small/ratings.csv": newer})
    server.etag = '"v2"'
    assert (fetch("ml-latest-small", story) / "ratings.csv").read_bytes() == newer


def test_a_server_without_marks_is_taken_up_too(server: Server, story: Story) -> None:
    server.etag = ""
    server.cuts = [100_000]
    assert (fetch("ml-1m", story) / "ratings.dat").read_bytes() == RATINGS
    assert server.asked[-1][1] == "bytes=100000-"


@pytest.mark.parametrize("extra", [b"", b"more than there is"])
def test_a_part_that_needs_nothing_more_is_handled(
    server: Server, story: Story, extra: bytes
) -> None:
    part = download.cache_folder() / "ml-1m.zip.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(ML_1M + extra)
    assert (fetch("ml-1m", story) / "ratings.dat").read_bytes() == RATINGS


def test_an_archive_left_by_an_interrupted_unpacking_is_used(server: Server, story: Story) -> None:
    file = download.cache_folder() / "ml-1m.zip"
    file.parent.mkdir(parents=True)
    file.write_bytes(ML_1M)
    assert (fetch("ml-1m", story) / "ratings.dat").read_bytes() == RATINGS
    assert server.asked == []


def test_a_wrong_checksum_is_one_sentence_and_nothing_stays(server: Server, story: Story) -> None:
    good = server.content
    server.content = archive({"ml-1m/ratings.dat": b"1::1::5\n"})
    with pytest.raises(ValueError, match=r"ml-1m\.zip has the MD5 \w{32}, GroupLens publishes"):
        fetch("ml-1m", story)
    assert list(download.cache_folder().iterdir()) == []
    server.content = good
    assert (fetch("ml-1m", story) / "ratings.dat").read_bytes() == RATINGS


@pytest.mark.parametrize("damage", ["cut", "flipped", "no zip"])
def test_a_damaged_archive_is_refused_where_there_is_no_checksum(
    server: Server, story: Story, damage: str
) -> None:
    content = bytearray(ML_1M)
    content[1000] ^= 1
    server.content = {
        "cut": ML_1M[: len(ML_1M) // 2],
        "flipped": bytes(content),
        "no zip": b"<html>Maintenance</html>",
    }[damage]
    with pytest.raises(ValueError, match=r"The archive ml-latest-small\.zip is damaged \(.*\)"):
        fetch("ml-latest-small", story)
    assert list(download.cache_folder().iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../out.txt", "/no-such/out.txt", "a/../../out.txt", "..\\out.txt"]
)
def test_a_path_that_leads_out_is_refused_whole(tmp_path: Path, name: str) -> None:
    file = tmp_path / "evil.zip"
    file.write_bytes(archive({"ml-1m/ratings.dat": b"1::1::5\n", name: b"!"}))
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="leads out of its folder"):
        unpack(file, tmp_path / "ml-1m")
    assert {path.name for path in tmp_path.iterdir()} == before


def test_an_archive_without_a_top_folder_is_unpacked_too(tmp_path: Path) -> None:
    file = tmp_path / "flat.zip"
    file.write_bytes(archive({"ratings.dat": b"1::1::5\n", "movies.dat": b"1::A::B\n"}))
    unpack(file, tmp_path / "flat")
    assert (tmp_path / "flat" / "ratings.dat").read_bytes() == b"1::1::5\n"


@pytest.mark.parametrize("status", [404, 403])
def test_what_the_server_refuses_is_not_asked_for_again(
    server: Server, story: Story, status: int
) -> None:
    server.status = status
    with pytest.raises(ValueError, match=rf"Could not fetch \S+/ml-20m\.zip: .* {status} "):
        fetch("ml-20m", story)
    assert len(server.asked) == 1


def test_a_failing_server_is_asked_a_few_times(server: Server, story: Story) -> None:
    server.status = 503
    with pytest.raises(ValueError, match="503"):
        fetch("ml-1m", story)
    assert len(server.asked) == 3


def test_no_server_is_one_sentence_of_the_command(
    server: Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLLIB_PY_MOVIELENS_URL", "http://127.0.0.1:1")
    monkeypatch.chdir(download.cache_folder().parents[2])
    assert main(["movielens", "--json", "--download", "ml-1m"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert re.search(r"mllib-py: Could not fetch \S+: .*refused; the same command", err)
    assert "Traceback" not in err


def test_the_published_checksums_are_the_ones_that_are_checked() -> None:
    assert {name: archive.md5 for name, archive in download.ARCHIVES.items()} == {
        "ml-latest-small": None,
        "ml-1m": "c4d9eecfca2ab87c1945afe126590906",
        "ml-20m": "cd245b17a1ae2cc31bb14903e1204af3",
    }


@pytest.mark.parametrize("watched", [True, False])
def test_progress_is_shown(server: Server, watched: bool) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return watched

    story = Story(Screen())
    fetch("ml-1m", story)
    assert f"Fetching {server.url}/ml-1m.zip" in told(story)
    assert ("0% |" if watched else "100% |") in told(story)
