from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "mllib_py"
SOURCES = sorted(
    [*(PACKAGE / "tutorial").glob("*.py"), PACKAGE / "cli.py", PACKAGE / "__main__.py"]
)
OTHERS = {"numpy", "jinja2", "tqdm"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_the_tutorial_stands_on_public_names_only(source: Path) -> None:
    """What it can do, any user's script can."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            # model._handle, mllib_py._bridge: private things of somebody else
            private = node.attr.startswith("_") and not node.attr.startswith("__")
            assert not private or node.value.id in ("self", "cls"), ast.unparse(node)
            continue
        else:
            continue
        for name in names:
            top, *rest = name.split(".")
            assert top == "mllib_py" or top in OTHERS | set(sys.stdlib_module_names), name
            assert top != "mllib_py" or not any(part.startswith("_") for part in rest), name
