"""Sphinx's configuration: Markdown pages, and the API from NumPy-style docstrings."""

import tomllib
from pathlib import Path

_project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]

project = "mllib_py"
author = "the mllib_py developers"
copyright = f"{author}, Apache-2.0"
version = release = _project["version"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

html_theme = "furo"
html_title = f"mllib_py {version}"

napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings hold the types

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3


def _bars_are_bars(_app, _what, _name, _object, _options, lines):
    """Escape the bars of |x|, which reStructuredText takes for a substitution."""
    lines[:] = [
        line if line.lstrip().startswith(">>>") else line.replace("|", r"\|") for line in lines
    ]


def setup(app):
    """Let Sphinx call us after napoleon, which has turned the sections into fields by then."""
    app.connect("autodoc-process-docstring", _bars_are_bars, priority=900)
