"""Paths, and small files on any file system that Hadoop knows."""

from __future__ import annotations

import os
import re

from mllib_py import _arrays, _bridge

_UNKNOWN = 2**62  # bytes: more than memory has room for, so on disk
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")


def uri_of(path: str | os.PathLike[str]) -> str:
    """Return a path as the JVM understands it; a URI stays as it is."""
    text = os.fspath(path)
    if not text.strip():
        raise ValueError("the path is empty")
    # A relative path is relative to where Python is, which may not be where the JVM started.
    return text if _SCHEME.match(text) else os.path.abspath(os.path.expanduser(text))


def list_files(uri: str | os.PathLike[str]) -> list[str]:
    """List the files of a folder, a glob, or the one file named.

    Parameters
    ----------
    uri : str or path
        Local, or of any file system that Hadoop knows (``hdfs://``).

    Returns
    -------
    list of str
        Whole URIs in the order of their names; hidden files and folders are left out.
    """
    return list(_bridge.call("listFiles", uri_of(uri)))


def read_bytes(uri: str | os.PathLike[str], limit: int | None = None) -> bytes:
    """Read a file, local or on any file system that Hadoop knows; ``.gz`` is decompressed.

    Parameters
    ----------
    uri : str or path
        The file.
    limit : int, optional
        Bytes to read at most. Default: all.

    Returns
    -------
    bytes
    """
    with _arrays.shared_file(_UNKNOWN if limit is None else limit) as path:
        _bridge.call("readFile", uri_of(uri), -1 if limit is None else int(limit), str(path))
        return path.read_bytes()


def write_bytes(uri: str | os.PathLike[str], content: bytes) -> None:
    """Write a whole file under a temporary name, then rename it.

    Parameters
    ----------
    uri : str or path
        Local, or of any file system that Hadoop knows; folders are made.
    content : bytes
        What to write.
    """
    with _arrays.shared_file(len(content)) as path:
        path.write_bytes(content)
        _bridge.call("writeFile", uri_of(uri), str(path))
