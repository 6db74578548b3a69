"""Real components that the end-to-end tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.hdfs import hdfs
from support.standalone import standalone


@pytest.fixture(scope="session")
def hdfs_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real HDFS."""
    with hdfs(tmp_path_factory.mktemp("hdfs") / "run") as uri:
        yield uri


@pytest.fixture(scope="session")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The master of a real standalone cluster."""
    with standalone(tmp_path_factory.mktemp("standalone")) as url:
        yield url
