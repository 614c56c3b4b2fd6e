"""Measure the serving path and its peers, and write tables, JSON and a plot.

    .venv/bin/python -m benchmarks.load --seconds 20 --out docs/performance

Each part is kept as JSON in var/load/parts; run again, only what is missing is measured. Needs the
extra `training` (torch for no part of ours, matplotlib for the plot, onnx for the count of work).
"""

import argparse
import signal
import sys
import time
from pathlib import Path

from benchmarks.load.parts import Bench, Options
from benchmarks.load.report import write
from benchmarks.load.targets import ROOT


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers are stopped on the way out
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - begun:7.1f} s  {line}", flush=True)

    bench = Bench(
        Options(
            seconds=options.seconds,
            probe_seconds=options.probe_seconds,
            repeats=options.repeats,
            texts=options.texts,
            score_texts=options.score_texts,
            idle_texts=options.idle_texts,
            parts=options.parts,
            fresh=options.fresh,
        ),
        say,
    )
    if not options.render:
        bench.run(options.only)
    found = {name: part for name in bench.all_parts if (part := bench.find(name)) is not None}
    write(found, options.out)
    say(f"written: {options.out}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.load", description=(__doc__ or "")[:79])
    parser.add_argument("--seconds", type=float, default=20.0, help="of a confirming window")
    parser.add_argument("--probe-seconds", type=float, default=5.0, help="of a search window")
    parser.add_argument("--repeats", type=int, default=3, help="capacity searches each")
    parser.add_argument("--texts", type=int, default=1024, help="for the model alone")
    parser.add_argument("--score-texts", type=int, default=100_000, help="for `triage score`")
    parser.add_argument("--idle-texts", type=int, default=300, help="asked one at a time")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "performance")
    parser.add_argument("--parts", type=Path, default=ROOT / "var" / "load" / "parts")
    parser.add_argument("--only", nargs="*", default=[], help="names of parts")
    parser.add_argument("--fresh", action="store_true", help="measure what is done again")
    parser.add_argument(
        "--render", action="store_true", help="measure nothing, write what is there"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
