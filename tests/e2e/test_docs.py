"""The code in the pages, run as a reader would run it: all of a page's blocks in order."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from support.markdown import Block, blocks

import mllib_py
from mllib_py import _java

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
JAR = Path(mllib_py.__file__).parent / "jars" / "mllib-py.jar"
PAGES = (
    "README.md",
    "docs/als.md",
    "docs/clustering.md",
    "docs/decomposition.md",
    "docs/linear.md",
    "docs/movielens.md",
    "docs/tuning.md",
    "docs/write-an-algorithm.md",
)
RUN = ("python", "scala", "bash")
#: What no one would run: output, a picture.
SHOWN = ("", "text")

# The code is compiled at the lines where the page has it, so a trace names the page's own line.
PYTHON = """
import json, sys
page, blocks = json.load(sys.stdin)
names = {"__name__": "__main__"}
for line, code in blocks:
    exec(compile("\\n" * (line - 1) + code, page, "exec"), names)
"""


def runnable(page: str) -> list[Block]:
    """Return the blocks of a page that are not marked as not run."""
    return [b for b in blocks((ROOT / page).read_text(encoding="utf-8")) if not b.skipped]


def of(page: str, language: str) -> list[Block]:
    """Return the blocks of a page to run, in one language."""
    return [block for block in runnable(page) if block.language == language]


def pages_with(language: str) -> list[str]:
    """Return the pages that have a block to run in a language."""
    return [page for page in PAGES if of(page, language)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that looks like the top of a checkout to what the pages run."""
    for name in ("data", "examples"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def run(folder: Path, *command: str | Path, given: str = "") -> str:
    """Run a program with the environment's own commands first on the path; return its output."""
    scripts = sysconfig.get_path("scripts")
    path = os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYSPARK_PYTHON": sys.executable},
        input=given,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    return done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_in_a_language_that_is_run(page: str) -> None:
    unknown = {b.line: b.language for b in runnable(page) if b.language not in RUN + SHOWN}
    assert unknown == {}


def test_the_tutorial_is_told_in_every_language() -> None:
    for language in RUN:
        assert "docs/movielens.md" in pages_with(language)


@pytest.mark.parametrize("page", pages_with("python"))
def test_python(page: str, folder: Path) -> None:
    given = json.dumps([page, [(block.line, block.code) for block in of(page, "python")]])
    run(folder, sys.executable, "-c", PYTHON, given=given)


@pytest.mark.parametrize("page", pages_with("bash"))
def test_bash(page: str, folder: Path) -> None:
    code = "".join(block.code for block in of(page, "bash"))
    run(folder, "bash", "-euo", "pipefail", "-c", code)


@pytest.mark.parametrize("page", pages_with("scala"))
def test_scala(page: str, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    names, source = program("".join(block.code for block in of(page, "scala")))
    jar = compiled(source, tmp_path_factory.mktemp("scala"))
    submit = ("spark-submit", "--master", "local[2]", "--conf", "spark.ui.enabled=false")
    for name in names:
        run(folder, *submit, "--class", name, "--jars", JAR, jar)


def program(code: str) -> tuple[list[str], str]:
    """Return the main classes and the source of a program; statements are put into a main."""
    main = r"^object (\w+)[^\n]*\{(?:(?!^\}).)*?\bdef main\("
    names = re.findall(main, code, re.DOTALL | re.M)
    if names:
        return names, code
    return ["Page"], f"object Page {{\ndef main(args: Array[String]): Unit = {{\n{code}\n}}\n}}\n"


def compiled(source: str, scratch: Path) -> Path:
    """Compile a program with the compiler that Spark carries; return its jar."""
    spark = Path(sysconfig.get_path("purelib")) / "pyspark" / "jars"
    compiler = [*spark.glob("scala-compiler-2.13.*.jar"), *spark.glob("scala-reflect-2.13.*.jar")]
    compiler += spark.glob("scala-library-2.13.*.jar")
    assert len(compiler) == 3
    (scratch / "Page.scala").write_text(source, encoding="utf-8")
    classes = scratch / "classes"
    classes.mkdir()
    command = [_java.check_java(), "-Xss4m", "-XX:+UseSerialGC", "-cp", classpath(compiler)]
    command += ["scala.tools.nsc.Main", "-deprecation", "-Werror", "-encoding", "UTF-8"]
    command += ["-d", classes, "-classpath", classpath([spark / "*", JAR]), "Page.scala"]
    run(scratch, *command)
    jar = scratch / "page.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        for path in sorted(classes.rglob("*.class")):
            archive.write(path, path.relative_to(classes).as_posix())
    return jar


def classpath(entries: list[Path]) -> str:
    return os.pathsep.join(map(str, entries))
