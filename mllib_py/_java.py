"""Find Java, and say in one sentence what to install where it is missing or too old.

Standard library only, and no import of the package: ``build_jar.py`` loads this file by its path
before the package can be imported.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

__all__ = ["MINIMUM", "JavaNotFoundError", "check_java", "find_java", "java_version"]

#: The oldest Java that works: Spark 4 is compiled for it, and it has the Vector API.
MINIMUM = 17

_INSTALL = (
    f"install Java {MINIMUM} or newer (Debian: apt-get install openjdk-17-jdk-headless) "
    "or set JAVA_HOME to one"
)


class JavaNotFoundError(RuntimeError):
    """Java is missing, too old, or does not run; the message says what to install."""


def find_java() -> Path:
    """Return the ``java`` that Spark will run: that of JAVA_HOME, else the first on PATH.

    Returns
    -------
    Path
        The executable.

    Raises
    ------
    JavaNotFoundError
        Where there is none.
    """
    home = os.environ.get("JAVA_HOME")
    if home:
        found = shutil.which("java", path=os.path.join(home, "bin"))
        missing = f"JAVA_HOME is {home}, but there is no bin/java in it"
    else:
        found = shutil.which("java")
        missing = "Java is not on PATH and JAVA_HOME is not set"
    if found is None:
        raise JavaNotFoundError(f"{missing}: {_INSTALL}.")
    return Path(found)


def java_version(path: Path) -> int:
    """Return the feature release of a ``java`` executable: 8, 11, 17, 21 and so on.

    Parameters
    ----------
    path : Path
        The executable.

    Returns
    -------
    int
        17 for ``17.0.15``, and 8 for ``1.8.0_402``, as Java named itself before 9.

    Raises
    ------
    JavaNotFoundError
        Where it does not run, or does not say its version.
    """
    try:
        # The version is on standard error; a JAVA_TOOL_OPTIONS notice may stand before it.
        run = subprocess.run(
            [path, "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise JavaNotFoundError(f"{path} does not run ({error}): {_INSTALL}.") from error
    said = run.stderr + run.stdout
    match = re.search(r'version "(?:1\.)?(\d+)', said)
    if match is None:
        lines = said.strip().splitlines()
        heard = f"said {lines[0]!r}" if lines else "said nothing"
        raise JavaNotFoundError(f"{path} -version {heard} in place of a version: {_INSTALL}.")
    return int(match[1])


def check_java() -> Path:
    """Return a ``java`` that is new enough.

    Returns
    -------
    Path
        The executable, of Java 17 or newer.

    Raises
    ------
    JavaNotFoundError
        Where there is none, with one sentence that says what to install.
    """
    java = find_java()
    version = java_version(java)
    if version < MINIMUM:
        raise JavaNotFoundError(f"{java} is Java {version}, which is too old: {_INSTALL}.")
    return java
