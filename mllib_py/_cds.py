"""Class-data sharing: a session's JVM maps the classes it needs in place of loading each anew.

``python -m mllib_py._cds``, which ``make setup`` runs, writes the archive. A session asks for
:func:`java_options`. The JVM goes on without an archive that is not of its own build or of its
class path. One that is damaged would crash it, so the name of an archive holds its size (a
truncated one is left alone here), and the JVM is told to check the sums inside.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from mllib_py import _java

__all__ = ["archive", "create", "java_options"]

#: Set to a path, it makes a session's JVM write the archive there when it ends.
DUMP = "MLLIB_PY_CDS_DUMP"

_JAR = Path(__file__).parent / "jars" / "mllib-py.jar"

# auto: go on without an archive that does not fit. Its complaints would be noise to a user.
# Checking the sums takes some 40 ms of the seconds that the archive saves.
_CAREFUL = ["-Xshare:auto", "-XX:+VerifySharedSpaces", "-Xlog:cds*=off", "-Xlog:class+path=off"]

# What a typical session does, so that its classes are in the archive.
_TYPICAL = """
import numpy, mllib_py
spark = mllib_py.session()
random = numpy.random.default_rng(0)
pairs = random.permutation(60 * 40)[:1200]
triples = pairs // 40, pairs % 40, random.integers(1, 6, pairs.size).astype(numpy.float32)
for strategy in ("data-parallel", "blocked"):
    model = mllib_py.ALS(rank=8, max_iter=2, strategy=strategy).fit(mllib_py.ratings(triples))
numpy.savetxt("ratings.csv", numpy.column_stack(triples), fmt="%d", delimiter=",")
ratings = mllib_py.ratings("ratings.csv")
ratings.n_users, ratings.histogram(), ratings.top_items(3)
train, test = ratings.split([0.8, 0.2])
model = mllib_py.ALS(rank=8, max_iter=2, strategy="broadcast").fit(train)
model.recommend([1, 2], k=3)
model.score(test)
model.save("model")
spark.stop()
"""


def archive() -> Path | None:
    """Return the archive for this Java, this pyspark and this jar.

    Returns
    -------
    Path or None
        None where there is none that is whole.
    """
    for path in _folder().glob(f"{_key()}-*.jsa"):
        if path.stem.rpartition("-")[2] == str(path.stat().st_size):
            return path
    return None


def java_options() -> list[str]:
    """Return the options that make a session's JVM use the archive.

    Returns
    -------
    list of str
        As ``spark.driver.extraJavaOptions`` takes them, quoted where there is a space in one.
        Empty where there is no archive.
    """
    dump = os.environ.get(DUMP)
    if dump:
        return [_quoted(f"-XX:ArchiveClassesAtExit={dump}"), *_CAREFUL]
    try:
        path = archive()
    except OSError:  # no jar yet, which is for the session to say, or no reading of the folder
        return []
    return [_quoted(f"-XX:SharedArchiveFile={path}"), *_CAREFUL] if path else []


def create() -> Path:
    """Write the archive, where it is not there yet, by running a typical session to its end.

    Returns
    -------
    Path
        The archive.

    Raises
    ------
    RuntimeError
        Where the session fails or its JVM writes nothing.
    """
    if found := archive():
        return found
    folder, key = _folder(), _key()
    folder.mkdir(parents=True, exist_ok=True)
    # Beside the archive, so that the last step is a rename.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
        new = Path(scratch) / "new.jsa"
        search = [str(_JAR.parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
        # The JVM inherits the pipe, so the end of the output is the end of the JVM as well, and
        # the archive is whole. The folder of the run is empty: what is there must not matter.
        run = subprocess.run(
            [sys.executable, "-c", _TYPICAL],
            cwd=scratch,
            env=os.environ | {DUMP: str(new), "PYTHONPATH": os.pathsep.join(search)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        if run.returncode != 0 or not new.is_file():
            raise RuntimeError(
                f"No class-data archive: the session that writes it ended with "
                f"{run.returncode}.\n{run.stdout.strip()}"
            )
        for old in folder.glob(f"{key.split('-')[0]}-*.jsa"):
            old.unlink(missing_ok=True)  # of earlier builds of this jar
        return new.replace(folder / f"{key}-{new.stat().st_size}.jsa")


def _key() -> str:
    """Return a name for the jar's place, and for all that the JVM compares an archive with.

    Files are told apart by size and time, for to ask Java for its version takes a tenth of a
    second.
    """
    java = _java.find_java().resolve()
    parts = [version("pyspark")]
    for path in (java, _JAR):
        stat = path.stat()
        parts += [str(path), str(stat.st_size), str(stat.st_mtime_ns)]
    return f"{_digest(str(_JAR))}-{_digest(*parts)}"


def _folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "mllib_py"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _quoted(option: str) -> str:
    return f'"{option}"' if any(c.isspace() for c in option) else option


def main() -> int:
    """Write the archive and say where; return the exit code."""
    try:
        print(create())
    except (OSError, RuntimeError) as error:
        print(f"mllib-py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
