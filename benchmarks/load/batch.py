"""`triage score` over a file, as a whole process, against the model alone."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.load.targets import ROOT


def score_file(texts: Sequence[str], threads: int) -> dict[str, Any]:
    """Give texts a second of the whole command, and of what it does after its start."""
    with tempfile.TemporaryDirectory(prefix="triage-score-") as folder:
        place = Path(folder)
        took = _seconds(place, texts, threads)
        start = min(_seconds(place, texts[:1], threads) for _ in range(3))
    return {
        "texts": len(texts),
        "seconds": round(took, 2),
        "start_seconds": round(start, 2),
        "texts_per_second": round(len(texts) / took, 1),
        "texts_per_second_without_start": round(len(texts) / max(took - start, 1e-9), 1),
    }


def _seconds(folder: Path, texts: Sequence[str], threads: int) -> float:
    source = folder / "in.jsonl"
    rows = ({"id": str(i), "text": text} for i, text in enumerate(texts))
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    command = [sys.executable, "-m", "triage_ml.cli", "score", str(source)]
    command += ["--output", str(folder / "out.jsonl"), "--threads", str(threads)]
    begun = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
    took = time.perf_counter() - begun
    n_lines = sum(1 for _ in (folder / "out.jsonl").open("rb"))
    if n_lines != len(texts):
        raise SystemExit(f"triage score wrote {n_lines} lines for {len(texts)} texts")
    return took
