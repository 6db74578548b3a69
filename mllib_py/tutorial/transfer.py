"""Fetches a file by HTTP and goes on where it was cut off."""

from __future__ import annotations

import http.client
import re
import time
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from mllib_py.tutorial.story import Story

TIMEOUT = 30.0
# Seconds before another attempt.
PAUSE = 1.0
_CHUNK = 1 << 16
# Attempts in a row that bring nothing new before giving up.
_PATIENCE = 3
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


def transfer(url: str, file: Path, story: Story) -> None:
    """Fetch a URL into a file; what has arrived stays in a `.part` file until it is whole.

    Parameters
    ----------
    url : str
    file : pathlib.Path
        Appears only when every byte is there.
    story : Story
        Shows the progress, and is told of every cut.

    Raises
    ------
    ValueError
        When the server does not have it, or cannot be reached, or keeps cutting off.
    """
    story.say(f"   Fetching {url}")
    part = _Part(file)
    idle, most = 0, part.size
    while idle < _PATIENCE:
        try:
            if _attempt(url, part, story):
                part.finish()
                return
            problem = "the connection was cut"
        except HTTPError as error:
            problem = f"the server answered {error.code} {error.reason}"
            if error.code < http.client.INTERNAL_SERVER_ERROR:
                raise ValueError(f"Could not fetch {url}: {problem}.") from None
        except URLError as error:
            problem = str(error.reason)
        except (OSError, http.client.HTTPException) as error:
            problem = str(error) or type(error).__name__
        idle = 0 if part.size > most else idle + 1
        most = max(most, part.size)
        story.say(f"   {problem}; {part.size:,} bytes are here")
        time.sleep(PAUSE)
    raise ValueError(
        f"Could not fetch {url}: {problem}; the same command goes on where this one stopped."
    )


class _Part:
    """What has arrived so far, and the mark by which the server knows that version."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.path = file.with_name(file.name + ".part")
        self._mark_path = file.with_name(file.name + ".part.mark")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def mark(self) -> str:
        return self._mark_path.read_text() if self._mark_path.exists() else ""

    def keep_mark(self, mark: str) -> None:
        self._mark_path.write_text(mark)

    def finish(self) -> None:
        self.path.replace(self._file)
        self._mark_path.unlink(missing_ok=True)

    def start_again(self) -> None:
        self.path.unlink(missing_ok=True)
        self._mark_path.unlink(missing_ok=True)


def _attempt(url: str, part: _Part, story: Story) -> bool:
    """Ask for what is missing; return whether the file is whole now."""
    try:
        with urlopen(_request(url, part), timeout=TIMEOUT) as response:
            return _receive(response, part, story)
    except HTTPError as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE or not part.size:
            raise
        # Nothing is left to send: either everything is here, or the part is of another file.
        answer = _CONTENT_RANGE.fullmatch(error.headers.get("Content-Range", ""))
        if answer and answer[2] == str(part.size):
            return True
        part.start_again()
        return False


def _request(url: str, part: _Part) -> Request:
    headers = {"User-Agent": "mllib_py", "Accept-Encoding": "identity"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if part.mark:
            # Another version since then: the server sends all of it instead of the rest.
            headers["If-Range"] = part.mark
    return Request(url, headers=headers)


def _receive(response: http.client.HTTPResponse, part: _Part, story: Story) -> bool:
    goes_on = response.status == http.client.PARTIAL_CONTENT
    if goes_on:
        answer = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if not answer or answer[1] != str(part.size):
            part.start_again()
            return False
    else:
        # The whole file comes: the server does not know ranges, or has another version now.
        part.start_again()
        part.keep_mark(_mark(response))
    have = part.size
    length = response.headers.get("Content-Length")
    total = have + int(length) if length is not None else None
    with part.path.open("ab" if goes_on else "wb") as sink, story.bar(total, "B", have) as bar:
        # read1 hands over what is there, so a cut connection loses nothing that came before it.
        while chunk := response.read1(_CHUNK):
            sink.write(chunk)
            bar.update(len(chunk))
    return total is None or part.size == total


def _mark(response: http.client.HTTPResponse) -> str:
    etag = response.headers.get("ETag", "")
    # A weak tag does not promise the same bytes, and If-Range must not carry one.
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")
