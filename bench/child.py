"""A benchmark's part that needs a process of its own: another heap, other cores."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

MARK = "RESULT "


def run(module: str, arguments: list[str], timeout: float | None = None) -> dict[str, Any] | None:
    """Run ``python -m module --child arguments``; return what it `tell`s, None where it fails."""
    command = [sys.executable, "-m", module, "--child", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return None
    lines = [x for x in done.stdout.splitlines() if x.startswith(MARK)]
    found: dict[str, Any] | None = json.loads(lines[-1][len(MARK) :]) if lines else None
    return found


def tell(result: dict[str, Any]) -> None:
    """Say a result to the parent."""
    print(MARK + json.dumps(result), flush=True)


def main(parent: Callable[[], None], child: Callable[[list[str]], None]) -> None:
    """Be the one or the other."""
    if "--child" in sys.argv:
        child(sys.argv[sys.argv.index("--child") + 1 :])
    else:
        parent()
