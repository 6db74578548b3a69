"""The fenced code of a Markdown page."""

from __future__ import annotations

import re
from dataclasses import dataclass

SKIP = "<!-- not run -->"
_FENCE = re.compile(r"(?P<indent> {0,3})(?P<fence>`{3,}|~{3,})\s*(?P<info>[^`]*)")


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is the number of the first line of its code."""

    language: str
    code: str
    line: int
    skipped: bool


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page, in order.

    A block is skipped where the last line above it that is not blank says so.

    Raises
    ------
    ValueError
        A block is not closed.
    """
    found: list[Block] = []
    lines = text.splitlines()
    above, at = "", 0
    while at < len(lines):
        opening = _FENCE.fullmatch(lines[at])
        if opening is None:
            above = lines[at].strip() or above
            at += 1
            continue
        end = _closing(lines, at, opening["fence"])
        indent = len(opening["indent"])
        code = [_unindented(line, indent) for line in lines[at + 1 : end]]
        language = (opening["info"].split() or [""])[0].lower()
        found.append(Block(language, "\n".join([*code, ""]), at + 2, above == SKIP))
        above, at = "", end + 1
    return found


def _closing(lines: list[str], opening: int, fence: str) -> int:
    for at in range(opening + 1, len(lines)):
        mark = lines[at].strip()
        if len(mark) >= len(fence) and set(mark) == {fence[0]}:
            return at
    raise ValueError(f"the block that opens in line {opening + 1} is not closed")


def _unindented(line: str, indent: int) -> str:
    blank = len(line) - len(line.lstrip(" "))
    return line[min(indent, blank) :]
