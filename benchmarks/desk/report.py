"""What was found, as JSON and as tables for the page."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.desk.timing import TARGET_MS
from benchmarks.load.report import MISSING, table, with_numbers

Found = Mapping[str, Any]


def render(found: Found) -> str:
    """Write every table."""
    return "\n\n".join(
        (_setting(found), _pages(found), _left_out(found), _work(found), _checks(found))
    )


def write(found: Found, out: Path) -> None:
    """Write desk.json into `out`, and the tables between the marks of the page beside it."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "desk.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    page = out.with_name(f"{out.name}-desk.md")
    if page.is_file():
        page.write_text(with_numbers(page.read_text("utf-8"), render(found)), "utf-8")


def _setting(found: Found) -> str:
    machine, of = found["machine"], found["of"]
    states = ", ".join(f"{n:,} {name}" for name, n in found["spread"]["state"].items())
    return (
        f"Measured {found['began_at'][:10]} on {machine['n_cores']} cores of "
        f"{machine['processor']}, {machine['memory_gib']:.0f} GiB, Python {machine['python']}: "
        f"{of['cases']:,} cases at the beginning ({states}), {of['reviewers']} reviewers for "
        f"{of['seconds']:g} s, reading for up to {of['think_seconds']:g} s. Before it began, "
        f"{found['busy_before']:.0%} of the processor was in use by something else; the reviewers' "
        f"own process took {found['client_cpu']:.0%} of one core."
    )


def _pages(found: Found) -> str:
    rows = [
        [
            f"`{one['route']}`",
            f"{one['n']:,}",
            f"{one['p50_ms']:.0f}",
            f"{one['p95_ms']:.0f}",
            f"{one['p99_ms']:.0f}",
            MISSING if one["server_p95_ms"] is None else f"{one['server_p95_ms']:.0f}",
            MISSING if one["server_in_time"] is None else f"{one['server_in_time']:.1%}",
            "reached" if one["reached"] else "**missed**",
        ]
        for one in found["rows"]
    ]
    header = [
        "page or step", "requests", "p50 ms", "p95 ms", "p99 ms", "server's p95 ms",
        f"server within {TARGET_MS:g} ms", f"p95 at most {TARGET_MS:g} ms",
    ]  # fmt: skip
    return table(header, rows)


def _left_out(found: Found) -> str:
    absent = [f"`{route}` ({status})" for route, status in found["left_out"].items()]
    return f"Pages that are not there: {', '.join(absent)}." if absent else "No page was left out."


def _work(found: Found) -> str:
    done = ", ".join(f"{step} {n:,}" for step, n in sorted(found["steps"].items()))
    errors = ", ".join(f"{what} ({n})" for what, n in found["errors"].items()) or "none"
    return (
        f"Requests a second: {found['requests_per_second']:.1f}. Steps: {done}. Errors: {errors}."
    )


def _checks(found: Found) -> str:
    rows = [[what, str(n)] for what, n in found["checks"].items()]
    return table(["must be 0", "found"], rows)
