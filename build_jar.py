"""Compile the Scala core into ``mllib_py/jars`` with the Scala compiler inside pyspark.

Needs Java and pyspark alone: no sbt, no download. ``pip install`` calls it as a hatchling hook;
by hand it is ``python build_jar.py``.

The kernel room is compiled first, with nothing but the Scala library on its class path, so that
a kernel that reaches for Spark does not compile.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent
SOURCES = ROOT / "src" / "main" / "scala"
KERNEL = SOURCES / "mllibpy" / "kernel"
RESOURCES = ROOT / "src" / "main" / "resources"
SPECS = RESOURCES / "mllibpy" / "spec"
OPTIONS = ROOT / "project" / "scalac-options.txt"
JARS = ROOT / "mllib_py" / "jars"
JAR = JARS / "mllib-py.jar"
#: What the jar says of itself: the versions it was built for, and the hash of what went in.
FACTS = "mllibpy/build.properties"


class BuildError(RuntimeError):
    """The jar cannot be built; the message is one sentence for whoever runs the build."""


def build(*, strict: bool) -> Path:
    """Build the jar and lay the parameter specs beside it, where they are not up to date.

    Parameters
    ----------
    strict : bool
        Whether a compiler warning is an error. It is for us; a user who installs with a newer
        Java, which may deprecate what we call, should get a package.

    Returns
    -------
    Path
        The jar.
    """
    JARS.mkdir(parents=True, exist_ok=True)
    for spec in sorted(SPECS.glob("*.json")):
        _write(JARS / "spec" / spec.name, spec.read_bytes())
    for stale in (JARS / "spec").glob("*.json"):
        if not (SPECS / stale.name).exists():
            stale.unlink()

    facts = _facts(spark := _spark_jars())
    if _read_facts() == facts:
        return JAR
    # A sibling of the jar, so that the last step is a rename.
    with tempfile.TemporaryDirectory(dir=JARS, prefix=".build-") as scratch:
        classes = _compile(Path(scratch), spark, strict=strict)
        entries = {FACTS: facts}
        for base in (*classes, RESOURCES):
            entries |= {p.relative_to(base).as_posix(): p.read_bytes() for p in _files(base)}
        new = Path(scratch) / JAR.name
        _zip(new, entries)
        new.replace(JAR)
    return JAR


def _spark_jars() -> Path:
    """Return the folder of Spark's jars in the installed pyspark."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or not spec.submodule_search_locations:
        wanted = next(r for r in _pyproject()["build-system"]["requires"] if "pyspark" in r)
        raise BuildError(
            f"pyspark, whose jars the core is compiled with, is missing: pip install {wanted}."
        )
    return Path(spec.submodule_search_locations[0]) / "jars"


def _scala(spark: Path, part: str) -> Path:
    """Return one of the jars of Scala itself, as Spark carries it."""
    found = sorted(spark.glob(f"scala-{part}-*.jar"))
    if len(found) != 1:
        raise BuildError(f"{spark} holds {len(found)} jars of scala-{part} where one is expected.")
    return found[0]


def _facts(spark: Path) -> bytes:
    """Return the properties that the jar carries; equal properties mean an equal jar."""
    version = _pyproject()["project"]["version"]
    scala = _scala(spark, "library").stem.removeprefix("scala-library-")
    core = sorted(spark.glob("spark-core_*.jar"))[0].stem.split("-")[-1]
    digest = hashlib.sha256()
    # build_jar.py and the options are inputs too: what they say changes the jar.
    for path in [*_files(SOURCES), *_files(RESOURCES), OPTIONS, Path(__file__)]:
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    lines = [
        f"version={version}",
        f"scala={scala}",
        f"spark={core}",
        f"inputs={digest.hexdigest()}",
    ]
    return "\n".join([*lines, ""]).encode()


def _read_facts() -> bytes | None:
    """Return the properties of the jar that is there, None where none is or it is broken."""
    try:
        with zipfile.ZipFile(JAR) as jar:
            return jar.read(FACTS)
    except (OSError, KeyError, zipfile.BadZipFile):
        return None


def _compile(scratch: Path, spark: Path, *, strict: bool) -> list[Path]:
    """Compile the kernel alone, then the rest; return the folders of their classes."""
    java = str(_java().check_java())
    options = [line.strip() for line in OPTIONS.read_text().splitlines()]
    options = [o for o in options if o and not o.startswith("#") and (strict or o != "-Werror")]
    compiler = [_scala(spark, part) for part in ("compiler", "reflect", "library")]
    rooms = [p for p in _files(SOURCES) if p.suffix == ".scala"]
    kernel = [p for p in rooms if p.is_relative_to(KERNEL)]
    rest = [p for p in rooms if p not in set(kernel)]
    if not kernel:
        raise BuildError(f"There are no Scala sources in {KERNEL}.")

    def scalac(name: str, sources: list[Path], classpath: list[Path]) -> Path:
        out = scratch / name
        out.mkdir()
        # By an argument file: a long list of sources does not fit every command line.
        listing = scratch / f"{name}.args"
        listing.write_text("\n".join(f'"{p.as_posix()}"' for p in sources))
        command = [java, "-Xss4m", "-Xmx1g", "-XX:+UseSerialGC", "-cp", _classpath(compiler)]
        command += ["scala.tools.nsc.Main", *options, "-d", str(out)]
        command += ["-classpath", _classpath(classpath), f"@{listing}"]
        run = subprocess.run(command, stdin=subprocess.DEVNULL)
        if run.returncode != 0:
            raise BuildError(f"The Scala compiler refused the {name} (its words are above).")
        return out

    classes = [scalac("kernel", kernel, [_scala(spark, "library")])]
    if rest:
        classes.append(scalac("core", rest, [*classes, spark / "*"]))
    return classes


def _classpath(entries: list[Path]) -> str:
    return os.pathsep.join(map(str, entries))


def _zip(path: Path, entries: dict[str, bytes]) -> None:
    """Write a jar whose bytes depend on its content alone: sorted, without times."""
    facts = dict(line.split("=", 1) for line in entries[FACTS].decode().splitlines())
    manifest = (
        "Manifest-Version: 1.0\r\n"
        "Implementation-Title: mllib-py\r\n"
        f"Implementation-Version: {facts['version']}\r\n"
        f"Scala-Version: {facts['scala']}\r\n"
        "\r\n"
    )
    # Java looks for the manifest at the start.
    ordered = [("META-INF/MANIFEST.MF", manifest.encode()), *sorted(entries.items())]
    with zipfile.ZipFile(path, "w") as jar:
        for name, content in ordered:
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            jar.writestr(info, content, compress_type=zipfile.ZIP_DEFLATED)


def _files(base: Path) -> Iterator[Path]:
    """Yield the files under a folder, sorted, without an editor's or a system's hidden ones."""
    for path in sorted(base.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield path


def _write(path: Path, content: bytes) -> None:
    """Write a file where its content differs, so that a reader never sees half of it."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(content)
    new.replace(path)


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def _java() -> ModuleType:
    """Load ``mllib_py/_java.py`` by its path: the package cannot be imported yet."""
    spec = importlib.util.spec_from_file_location("_java", ROOT / "mllib_py" / "_java.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _build_or_exit(*, strict: bool) -> Path:
    """Build; where that fails for a known reason, end with its sentence and no trace."""
    try:
        return build(strict=strict)
    except BuildError as error:
        sys.exit(f"mllib-py: {error}")
    except RuntimeError as error:
        if type(error).__name__ != "JavaNotFoundError":  # its class is loaded by path
            raise
        sys.exit(f"mllib-py: {error}")


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:
    pass
else:

    class JarHook(BuildHookInterface[Any]):
        """Hatchling's hook: the jar is built before the wheel is packed."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Build the jar; a warning stops it only in an editable install, a developer's."""
            _build_or_exit(strict=version == "editable")


if __name__ == "__main__":
    print(_build_or_exit(strict=True))
