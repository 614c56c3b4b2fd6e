"""Measure false alarms and delays: `python -m benchmarks.drift`, which goes on where it stopped.

Writes docs/performance/drift.md. With TRIAGE_DATA the texts are real ones, scored by the shipped
model; without it they are made up, and the page says so.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import typer

from benchmarks.drift.pool import load
from benchmarks.drift.report import QUIET, SHIFTS, Row, page
from benchmarks.drift.trial import watch
from benchmarks.drift.world import Columns, Shift, World
from triage_ml.domain.taxonomy import Language

FOLDER = Path("var/drift")
PAGE = Path("docs/performance/drift.md")


def run(
    months: int = 200,
    repeats: int = 20,
    volumes: tuple[int, int] = (500, 2_000),
    folder: Path = FOLDER,
    write: Path = PAGE,
) -> None:
    """Simulate what is missing, and write the page of all there is."""
    data = os.environ.get("TRIAGE_DATA")
    cache = folder / "pool.npz"
    pools = load(Path(data) if data else None, cache)
    kept = folder / "results.jsonl"
    done = {row.name: row for row in _read(kept)}
    folder.mkdir(parents=True, exist_ok=True)
    known: dict[tuple[Language, str, float], Columns] = {}
    for n_texts, shift, seed in _plan(months, repeats, volumes):
        row = Row(n_texts, shift.kind, shift.language.value, shift.size, seed)
        if row.name in done:
            continue
        # A month to look at after the reference; for a shift, five weeks of it.
        n_days = 58 if shift == QUIET else 70
        world = World(pools, n_texts, n_texts * 3 // 100, n_days, known)
        found = watch(world, shift, seed)
        row = row.of(found, shift)
        done[row.name] = row
        with kept.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row.as_json()) + "\n")
    write.write_text(page(list(done.values()), real=cache.exists()), encoding="utf-8")


def _plan(months: int, repeats: int, volumes: tuple[int, int]) -> Iterator[tuple[int, Shift, int]]:
    """Give what is to be simulated, a little of everything first."""
    for seed in range(max(months, repeats)):
        for n_texts in volumes:
            if seed < months // len(volumes):
                yield n_texts, QUIET, seed
            if seed < repeats:
                for shift in SHIFTS:
                    yield n_texts, shift, 10_000 + seed


def _read(path: Path) -> list[Row]:
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Row(**json.loads(line)) for line in lines]


if __name__ == "__main__":
    typer.run(run)
