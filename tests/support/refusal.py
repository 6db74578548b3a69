"""How the library says no: one sentence, and no trace of the JVM."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_JAVA = re.compile(r"java\.|javax\.|org\.apache|scala\.|mllibpy\.|Exception|Py4J")


@contextmanager
def refused(kind: type[Exception], *parts: str) -> Iterator[None]:
    """Expect an error of exactly this kind that names all the parts, in one sentence."""
    with pytest.raises(kind) as caught:
        yield
    error = caught.value
    said = str(error)
    assert type(error) is kind, f"{type(error)}: {said}"
    for part in parts:
        assert part in said, f"{part!r} is not in: {said}"
    assert "\n" not in said, f"more than one line: {said}"
    assert 10 < len(said) < 400, f"{len(said)} characters: {said}"
    assert not re.search(r"\. [A-Z]", said), f"more than one sentence: {said}"
    assert not _JAVA.search(said), f"words of the JVM: {said}"
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
