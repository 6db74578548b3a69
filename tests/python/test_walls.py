"""The walls between the rooms: a line in the wrong room fails here.

The compiler holds the kernel's wall (it has no Spark on its class path) and import-linter those of
the Python modules (pyproject.toml). This file holds the walls between the other Scala rooms.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCALA = ROOT / "src" / "main" / "scala" / "mllibpy"
#: A room refers only to itself and to rooms on its left.
ROOMS = ("kernel", "engine", "algorithm", "feature", "optimizer", "api")

# A comment may name any room. A string may not, for a class can be loaded by its name; strings are
# matched so that the // of a URI in one does not pass for a comment.
_STRING_OR_COMMENT = re.compile(r'"""(?:.|\n)*?"""+|"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*(?:.|\n)*?\*/')
_PACKAGE = re.compile(r"^[ \t]*package[ \t]+([\w.]+)", re.MULTILINE)
_REFERENCE = re.compile(r"\bmllibpy\s*\.\s*(?:(\w+)|\{([^}]*)\}|(\*))")


def faults(room: str, source: str) -> list[str]:
    """Return what a Scala source in a room does that its walls forbid."""
    code = _STRING_OR_COMMENT.sub(lambda m: m[0] if m[0][0] == '"' else " ", source)
    found = []
    packages = _PACKAGE.findall(code)
    # `package mllibpy; package engine` would open every room without naming it.
    if len(packages) != 1 or not f"{packages[0]}.".startswith(f"mllibpy.{room}."):
        found.append(f"its package is {packages}, not mllibpy.{room} in one clause")
    allowed = ROOMS[: ROOMS.index(room) + 1]
    for name, several, star in _REFERENCE.findall(code):
        named = [name] if name else [s.split("=>")[0].strip() for s in several.split(",")]
        if star or "_" in named:
            found.append("it imports every room at once")
        found += [f"it refers to {n}" for n in named if n in ROOMS and n not in allowed]
    if room == "kernel" and re.search(r"\borg\s*\.\s*apache\b", code):
        found.append("it refers to org.apache")
    return found


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("engine", "package mllibpy.engine\nimport mllibpy.algorithm.als.Trainer"),
        ("engine", "package mllibpy.engine\nimport mllibpy.{kernel, api}"),
        ("engine", "package mllibpy.engine\nimport mllibpy.{api => door}"),
        ("engine", "package mllibpy.engine\nimport mllibpy._"),
        ("engine", "package mllibpy.engine\nimport _root_.mllibpy.api.Door"),
        ("engine", 'package mllibpy.engine\nval c = Class.forName("mllibpy.api.Door")'),
        ("engine", "package mllibpy.engine\nclass X { def f: mllibpy . api.Door = null }"),
        ("engine", 'package mllibpy.engine\nval u = "hdfs://x"; val d = mllibpy.api.Door'),
        ("engine", "package mllibpy\npackage engine\nclass X"),
        ("engine", "package mllibpy.kernel\nclass X"),
        ("engine", "package mllibpy.engineer\nclass X"),
        ("kernel", "package mllibpy.kernel\nimport org.apache.spark.rdd.RDD"),
        ("kernel", "package mllibpy.kernel\nimport mllibpy.engine.Layout"),
    ],
)
def test_a_line_in_the_wrong_room_is_found(room: str, source: str) -> None:
    assert faults(room, source)


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("kernel", "package mllibpy.kernel\n/** For mllibpy.api. */ class X // org.apache"),
        (
            "engine",
            "package mllibpy.engine\nimport mllibpy.kernel.Csr\nimport org.apache.spark.rdd",
        ),
        ("algorithm", "package mllibpy.algorithm.als\nimport mllibpy.engine.{Layout, Loop => L}"),
        ("api", 'package mllibpy.api\nval s = "mllibpy/spec"\nimport mllibpy.algorithm.als._'),
        ("api", 'package mllibpy.api\nval s = """a " // b"""\nimport mllibpy.optimizer.Plan'),
    ],
)
def test_a_line_in_its_own_room_is_left_alone(room: str, source: str) -> None:
    assert faults(room, source) == []


def test_every_scala_source_keeps_to_its_room() -> None:
    found = {}
    sources = sorted(SCALA.rglob("*.scala"))
    for path in sources:
        room = path.relative_to(SCALA).parts[0]
        wrong = faults(room, path.read_text()) if room in ROOMS else ["it is in no room"]
        if wrong:
            found[str(path.relative_to(ROOT))] = wrong
    assert sources
    assert found == {}


def test_only_the_bridge_and_the_session_import_py4j() -> None:
    importers = set()
    for path in (ROOT / "mllib_py").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if any(n.split(".")[0] == "py4j" for n in names):
                importers.add(path.name)
    assert importers == {"_bridge.py", "_session.py"}
