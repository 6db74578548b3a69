"""Plans of a fit: the cluster to plan for, and the table that `explain` prints."""

from __future__ import annotations

import math
from typing import Any

from mllib_py import _bridge

_CLUSTER = {"executors", "cores", "memory", "driver_memory", "bandwidth"}


def checked_cluster(cluster: dict[str, Any]) -> str:
    """Return the facts of a pretended cluster as JSON."""
    if not isinstance(cluster, dict):
        raise TypeError(f"cluster must be a dict of facts, not {cluster!r}")
    unknown = sorted(set(cluster) - _CLUSTER)
    if unknown:
        raise ValueError(
            f"cluster has no fact {unknown[0]!r}; it takes {', '.join(sorted(_CLUSTER))}"
        )
    for name, value in cluster.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value <= 0:
            raise ValueError(f"cluster: {name} must be a number above 0, not {value!r}")
    whole = {k: v if k == "bandwidth" else math.ceil(v) for k, v in cluster.items()}
    return _bridge.to_json(whole)


def table(plan: dict[str, Any]) -> str:
    """Return a plan for people to read."""
    shape, cluster = plan["shape"], plan["cluster"]
    where = "local" if cluster["local"] else f"{cluster['executors']} executors"
    lines = [
        f"{shape['users']} users x {shape['items']} items, {shape['ratings']} ratings, "
        f"rank {shape['rank']}, {shape['iterations']} iterations; {where} of "
        f"{cluster['cores']} cores with {_size(cluster['memory'])} for data",
        f"{'strategy':<14}{'layout':>10}{'moved/iter':>12}{'executor':>10}{'driver':>10}{'seconds':>10}",
    ]
    for s in plan["strategies"]:
        lines.append(
            f"{s['strategy']:<14}{_size(s['layout_bytes']):>10}{_size(s['bytes_per_iteration']):>12}"
            f"{_size(s['executor_memory']):>10}{_size(s['driver_memory']):>10}{s['seconds']:>10.3g}"
            + (f"  {s['why_not']}" if s["why_not"] else "")
        )
    return "\n".join([*lines, f"-> {plan['chosen']}: {plan['reason']}"])


def _size(n: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if n < 1000:
            return f"{n:.3g} {unit}"
        n /= 1000
    return f"{n:.3g} TB"
