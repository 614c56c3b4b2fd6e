"""Tables, the page and the plot, from made-up findings."""

import json

import pytest

from benchmarks.load.report import BEGIN, END, render, table, with_numbers, write

MIB = 2**20
OF = {
    "model_version": "m-1",
    "model_sha256": "abc",
    "seconds": 20.0,
    "probe_seconds": 5.0,
    "repeats": 3,
}
AT = {"rate": 80.0, "p50_ms": 12.3, "p99_ms": 190.2}
MEASURED = {
    "capacity": 80.0,
    "lowest": 78.0,
    "highest": 81.5,
    "at_capacity": AT,
    "idle": {"p50_ms": 7.0, "bare_p50_ms": 5.0, "added_p50_ms": 2.0},
    "memory": {"service": 300 * MIB, "database": 40 * MIB},
    "repeats": [{"trace": [AT, {"rate": 160.0, "p99_ms": None}]}],
    "share": 0.4,
    "share_range": [0.39, 0.41],
}
RESULTS = {
    "machine": {
        "of": OF,
        "began_at": "2026-01-02T03:04:05+00:00",
        "busy_before": 0.02,
        "n_cores": 2,
        "processor": "Some CPU",
        "memory_gib": 24.0,
        "system": "Linux 6",
        "python": "3.11",
        "packages": {"onnxruntime": "1"},
    },
    "limit": {
        "macs_per_text": 8e8,
        "peak": {"best": {"int8": 300.0, "fp32": 90.0}},
        "texts_per_second": 375.0,
    },
    "offline": {
        "best": {
            "batch_tokens": 512,
            "runs": 2,
            "intra_threads": 1,
            "texts_per_second": 200.0,
        },
        "tokens_per_text": 37.0,
        "tried": [
            {"batch_tokens": 1, "runs": 2, "intra_threads": 1, "texts_per_second": 150.0},
            {"batch_tokens": 1, "runs": 1, "intra_threads": 2, "texts_per_second": 120.0},
        ],
    },
    "service_score": MEASURED,
    "overload_reports": {
        "window": {"rate": 240.0},
        "goodput": 0.97,
        "refused_share": 0.6,
        "other_share": 0.0,
        "degraded_share": 0.25,
        "lost": 0,
        "acknowledged": 1900,
        "memory": [{"service": 300 * MIB}, {"service": 310 * MIB}, {"service": 305 * MIB}],
    },
    "score_file": {
        "texts": 100_000,
        "texts_per_second": 180.0,
        "share": 0.9,
        "start_seconds": 1.0,
        "memory_at_tenth": 200 * MIB,
        "memory_highest": 210 * MIB,
    },
    "peer_plain": {
        **MEASURED,
        "share": 0.2,
        "about": "FastAPI",
        "setting": "as written",
        "versions": {"fastapi": "1"},
    },
    "peer_other": {"about": "Other", "problem": "cannot be installed"},
}


def test_a_table_has_a_row_a_line():
    """Header, rule, rows."""
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_the_tables_say_what_was_found():
    """Capacity with its range and share of offline, the limit, lost reports, problems."""
    text = render(RESULTS)
    assert "| **80.0** | 78.0 to 81.5 | 12 | 190 | 40.0% | 39.0% to 41.0% | 7 | 340 |" in text
    assert "| `/v1/score` over the model alone | 0.40 x | at least 0.8 x | **missed** |" in text
    assert "| `/v1/score` over FastAPI | 2.00 x | at least 8 x | **missed** |" in text
    assert "| idle p50 over the bare call | 1.40 x | at most 1.4 x | reached |" in text
    assert "| its memory after a tenth, and at most | 200 and 210 MiB |" in text
    assert "| model alone, of the limit | 53% |" in text
    assert "| 97% | 60% | 0.0% | 25% | 0 of 1,900 | 300 / 310 / 305 |" in text
    assert "| one text | 150 | 120 |" in text
    assert "- peer_other: cannot be installed" in text


def test_tables_without_numbers_are_left_out():
    """Nothing measured, nothing written."""
    assert render({}) == ""


def test_only_what_is_between_the_marks_is_replaced():
    """Text around the numbers stays, and twice is as once."""
    page = f"above {BEGIN} old {END} below"
    once = with_numbers(page, "new")
    assert once == f"above {BEGIN}\n\nnew\n\n{END} below"
    assert with_numbers(once, "new") == once
    with pytest.raises(ValueError, match="lacks"):
        with_numbers("no marks", "new")


def test_everything_is_written(tmp_path):
    """JSON, table, plot, and the page beside the folder."""
    page = tmp_path / "performance.md"
    page.write_text(f"# P\n{BEGIN}{END}\n", "utf-8")
    write(RESULTS, tmp_path / "performance")
    out = tmp_path / "performance"
    assert json.loads((out / "results.json").read_text("utf-8")) == RESULTS
    assert "<svg" in (out / "capacity.svg").read_text("utf-8")
    assert "(performance/capacity.svg)" in page.read_text("utf-8")
