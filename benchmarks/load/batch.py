"""`triage score` over a file, as a whole process, against the model alone."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.load.processes import memory_bytes
from benchmarks.load.targets import ROOT


def score_file(texts: Sequence[str], threads: int) -> dict[str, Any]:
    """Give texts a second of the whole command, and of what it does after its start."""
    with tempfile.TemporaryDirectory(prefix="triage-score-") as folder:
        place = Path(folder)
        memory: list[int] = []
        took = _seconds(place, texts, threads, memory)
        start = min(_seconds(place, texts[:1], threads, []) for _ in range(3))
    return {
        "memory_at_tenth": memory[len(memory) // 10],
        "memory_highest": max(memory),
        "texts": len(texts),
        "seconds": round(took, 2),
        "start_seconds": round(start, 2),
        "texts_per_second": round(len(texts) / took, 1),
        "texts_per_second_without_start": round(len(texts) / max(took - start, 1e-9), 1),
    }


def _seconds(folder: Path, texts: Sequence[str], threads: int, memory: list[int]) -> float:
    """Run the command once; `memory` gets its PSS in bytes, every half second."""
    source = folder / "in.jsonl"
    rows = ({"id": str(i), "text": text} for i, text in enumerate(texts))
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    command = [sys.executable, "-m", "triage_ml.cli", "score", str(source)]
    command += ["--output", str(folder / "out.jsonl"), "--threads", str(threads)]
    begun = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            memory.append(memory_bytes([process.pid]))
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
    took = time.perf_counter() - begun
    if process.returncode != 0:
        raise SystemExit(f"triage score ended with {process.returncode}")
    n_lines = sum(1 for _ in (folder / "out.jsonl").open("rb"))
    if n_lines != len(texts):
        raise SystemExit(f"triage score wrote {n_lines} lines for {len(texts)} texts")
    return took
