"""Let reviewers work on a full database, and write what was found.

    python -m benchmarks.desk --cases 100000 --reviewers 50 --seconds 60 --out docs/performance

Writes desk.json into the folder and the tables into the page beside it (performance-desk.md). Exit
status 1 when a check found something or a request failed. Ctrl-C stops the service and its
database and leaves nothing behind.
"""

import argparse
import signal
import sys
import time
from pathlib import Path

from benchmarks.desk.bench import Options, run
from benchmarks.desk.copies import MIN_CASES
from benchmarks.desk.report import render, write
from benchmarks.load.processes import StartFailed
from benchmarks.load.targets import ROOT
from triage_ml.errors import TriageError

MAX_REVIEWERS = 99


def main() -> int:
    options, out = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers are stopped on the way out
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - begun:7.1f} s  {line}", flush=True)

    try:
        found = run(options, say)
    except (StartFailed, PermissionError, TriageError) as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing is written", file=sys.stderr)
        return 130
    write(found, out)
    print(render(found))
    say(f"written: {out}")
    return int(any(found["checks"].values()) or bool(found["errors"]))


def _options() -> tuple[Options, Path]:
    parser = argparse.ArgumentParser(
        prog="benchmarks.desk", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--cases", type=int, default=100_000, help="in the database at first")
    parser.add_argument("--reviewers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0, help="that they work")
    parser.add_argument("--think", type=float, default=20.0, help="seconds of reading, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "performance")
    asked = parser.parse_args()
    if asked.cases < MIN_CASES:
        parser.error(f"--cases must be at least {MIN_CASES}")
    if not 1 <= asked.reviewers <= MAX_REVIEWERS:
        parser.error(f"--reviewers must lie within 1 and {MAX_REVIEWERS}")
    if asked.seconds <= 0 or asked.think < 0:
        parser.error("--seconds must be above 0, and --think not below")
    return Options(asked.cases, asked.reviewers, asked.seconds, asked.think, asked.seed), asked.out


if __name__ == "__main__":
    sys.exit(main())
