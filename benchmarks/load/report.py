"""What was found, as tables, JSON and a plot."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- numbers -->", "<!-- end of numbers -->"
Found = Mapping[str, Any]
Results = Mapping[str, Found]
MIB = 2**20
MISSING = "-"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def render(results: Results) -> str:
    """Write every table there are numbers for."""
    sections = (
        _machine(results),
        _limit(results),
        _batches(results),
        _capacities(results),
        _targets(results),
        _service(results),
        _overloads(results),
        _settings(results),
        _problems(results),
    )
    return "\n\n".join(section for section in sections if section)


def with_numbers(page: str, numbers: str) -> str:
    """Put the tables between the marks of a page. Raises: ValueError without marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{numbers}\n\n{END}{after}"


def _machine(results: Results) -> str:
    found = results.get("machine")
    if not found:
        return ""
    of = found["of"]
    versions = ", ".join(f"{name} {version}" for name, version in found["packages"].items())
    busiest = max(float(part.get("busy_before", 0.0)) for part in results.values())
    return " ".join(
        (
            f"Measured {found['began_at'][:10]} on {found['n_cores']} cores of",
            f"{found['processor']}, {found['memory_gib']:.0f} GiB, {found['system']},",
            f"Python {found['python']}, {versions}; model `{of['model_version']}`",
            f"({of['model_sha256']}). Long windows {of['seconds']:g} s, search windows",
            f"{of['probe_seconds']:g} s, {of['repeats']} repeats. Before a part began, at most",
            f"{busiest:.0%} of the processor was in use by something else.",
        )
    )


def _limit(results: Results) -> str:
    rows = []
    if found := results.get("limit"):
        peak = found["peak"]["best"]
        rows += [
            ["multiplications of a text (MAC)", f"{found['macs_per_text'] / 1e9:.2f} G"],
            ["measured peak of an 8-bit product, all cores", f"{peak['int8']:.0f} GMAC/s"],
            ["the same in fp32", f"{peak['fp32']:.0f} GMAC/s"],
            ["limit: peak over multiplications", f"{found['texts_per_second']:.0f} texts/s"],
        ]
    if found := results.get("offline"):
        best = found["best"]
        rows += [
            ["tokens of a text, mean", f"{found['tokens_per_text']:.1f}"],
            [
                f"model alone, best batch ({best['batch_tokens']} tokens, {best['runs']} runs of "
                f"{best['intra_threads']} threads)",
                f"{best['texts_per_second']:.0f} texts/s",
            ],
        ]
        if "limit" in results:
            share = best["texts_per_second"] / results["limit"]["texts_per_second"]
            rows.append(["model alone, of the limit", f"{share:.0%}"])
    return "### The limit\n\n" + table(["what", "value"], rows) if rows else ""


def _batches(results: Results) -> str:
    tried = results.get("offline", {}).get("tried", [])
    layouts = sorted({(row["runs"], row["intra_threads"]) for row in tried}, reverse=True)
    rates = {
        (row["batch_tokens"], row["runs"], row["intra_threads"]): row["texts_per_second"]
        for row in tried
    }
    rows = [
        [
            "one text" if tokens == 1 else f"{tokens} tokens",
            *(f"{rates[(tokens, *layout)]:.0f}" for layout in layouts),
        ]
        for tokens in sorted({row["batch_tokens"] for row in tried})
    ]
    header = ["batch, texts/s", *(f"{runs} x {intra} threads" for runs, intra in layouts)]
    return "### The model alone, by batch\n\n" + table(header, rows) if rows else ""


def _capacities(results: Results) -> str:
    rows = [
        _capacity_row("**triage-ml** `POST /v1/score`", results.get("service_score")),
        _capacity_row("**triage-ml**, spam wave, half repeats", results.get("service_wave")),
        _capacity_row("**triage-ml** `POST /v1/reports`", results.get("service_reports")),
    ]
    for name, found in results.items():
        if name.startswith("peer_"):
            rows.append(_capacity_row(str(found["about"]), found))
    rows = [row for row in rows if row]
    header = ["service", "requests/s", "range", "p50 ms", "p99 ms", "of the model alone", "range"]
    header += ["idle p50 ms", "memory MiB", "start s"]
    if not rows:
        return ""
    windows = [found["at_capacity"] for found in results.values() if found.get("at_capacity")]
    share = max((float(window.get("generator_cpu", 0.0)) for window in windows), default=0.0)
    note = f"The load generator took at most {share:.0%} of one core at these rates."
    return f"### Capacity\n\n{table(header, rows)}\n\n{note}"


def _capacity_row(name: str, found: Found | None) -> list[str]:
    if not found or "capacity" not in found:
        return []
    window = found["at_capacity"] or {}
    share, between = found.get("share"), found.get("share_range")
    return [
        name,
        f"**{found['capacity']:.1f}**",
        f"{found['lowest']:.1f} to {found['highest']:.1f}",
        _number(window.get("p50_ms")),
        _number(window.get("p99_ms")),
        MISSING if share is None else f"{share:.1%}",
        MISSING if between is None else f"{between[0]:.1%} to {between[1]:.1%}",
        _number(found.get("idle", {}).get("p50_ms")),
        _number(sum(found["memory"].values()) / MIB if "memory" in found else None),
        _number(found.get("start_seconds"), 1),
    ]


PEER_TARGETS = {"plain": 8.0, "mlflow": 8.0, "infinity": 4.0, "litserve": 1.5}
"""How many times a peer's throughput ours should be."""


def _targets(results: Results) -> str:
    """Compare with what was aimed at; shares of the model alone are what is divided."""
    score = results.get("service_score", {})
    share = score.get("share")
    rows: list[list[str]] = []

    def add(
        what: str, value: float | None, aim: float, unit: str, *, at_most: bool = False
    ) -> None:
        if value is None:
            return
        reached = value <= aim if at_most else value >= aim
        sign = "at most" if at_most else "at least"
        rows.append([what, f"{value:.2f}{unit}", f"{sign} {aim:g}{unit}", _verdict(reached)])

    for name, aim in PEER_TARGETS.items():
        peer = results.get(f"peer_{name}", {})
        ratio = share / peer["share"] if share and peer.get("share") else None
        add(f"`/v1/score` over {peer.get('about', name)}", ratio, aim, " x")
    reports = results.get("service_reports", {}).get("share")
    add("`/v1/reports` over `/v1/score`", reports / share if reports and share else None, 0.6, " x")
    add("`/v1/score` over the model alone", share, 0.8, " x")
    idle = score.get("idle", {})
    bare = idle.get("bare_p50_ms")
    ratio = idle["p50_ms"] / bare if bare else None
    add("idle p50 over the bare call", ratio, 1.4, " x", at_most=True)
    for kind in ("score", "reports"):
        good = results.get(f"overload_{kind}", {}).get("goodput")
        add(f"`/v1/{kind}` at 3 x capacity: in time, of capacity", good, 0.9, " x")
    if memory := results.get("service_start", {}).get("memory"):
        add("memory", sum(memory.values()) / 2**30, 1.2, " GiB", at_most=True)
    add("start", results.get("service_start", {}).get("first_start_seconds"), 4, " s", at_most=True)
    add(
        "`triage score` over the model alone", results.get("score_file", {}).get("share"), 0.9, " x"
    )
    header = ["what", "found", "aimed at", ""]
    return "### Against what was aimed at\n\n" + table(header, rows) if rows else ""


def _verdict(reached: bool) -> str:
    return "reached" if reached else "**missed**"


def _service(results: Results) -> str:
    rows = []
    if found := results.get("service_start"):
        memory = found["memory"]
        rows += [
            ["start to ready, empty folder", f"{found['first_start_seconds']:.1f} s"],
            ["start to ready, database there", f"{found['start_seconds']:.1f} s"],
            [
                "memory after the first texts: service, database",
                f"{memory['service'] / MIB:.0f} and {memory['database'] / MIB:.0f} MiB",
            ],
        ]
    if idle := results.get("service_score", {}).get("idle"):
        rows += [
            ["one text, idle service, p50", f"{idle['p50_ms']:.1f} ms"],
            ["the bare model on the same text, p50", f"{idle['bare_p50_ms']:.1f} ms"],
            ["what serving adds, p50", f"{idle['added_p50_ms']:.1f} ms"],
        ]
    if found := results.get("score_file"):
        rate, share = found["texts_per_second"], found["share"]
        memory = [found[name] / MIB for name in ("memory_at_tenth", "memory_highest")]
        rows += [
            [
                f"`triage score`, {found['texts']:,} texts",
                f"{rate:.0f} texts/s, {share:.0%} of the model alone beside it",
            ],
            ["its start", f"{found['start_seconds']:.1f} s"],
            [
                "its memory after a tenth, and at most",
                f"{memory[0]:.0f} and {memory[1]:.0f} MiB",
            ],
        ]
    return "### Our service\n\n" + table(["what", "value"], rows) if rows else ""


def _overloads(results: Results) -> str:
    rows = []
    for kind in ("score", "reports"):
        found = results.get(f"overload_{kind}")
        if not found or "window" not in found:
            continue
        memory = [sum(step.values()) / MIB for step in found["memory"]]
        degraded = f"{found['degraded_share']:.0%}" if "degraded_share" in found else MISSING
        lost = f"{found['lost']} of {found['acknowledged']:,}" if "lost" in found else MISSING
        rows.append(
            [
                f"`POST /v1/{kind}`",
                f"{found['window']['rate']:.0f}",
                f"{found['goodput']:.0%}",
                f"{found['refused_share']:.0%}",
                f"{found['other_share']:.1%}",
                degraded,
                lost,
                " / ".join(f"{mib:.0f}" for mib in memory),
            ]
        )
    header = ["overload, 3 x capacity", "requests/s", "in time, of capacity", "refused"]
    header += ["other failures", "without scores yet", "acknowledged but lost"]
    header += ["memory before / during / after, MiB"]
    return "### Overload\n\n" + table(header, rows) if rows else ""


def _settings(results: Results) -> str:
    rows = []
    for name, found in results.items():
        if name.startswith("peer_") and "versions" in found:
            versions = ", ".join(f"{k} {v}" for k, v in found["versions"].items())
            tried = "; ".join(
                f"{row['setting']}: {row.get('capacity', 'does not start')}"
                for row in found.get("tried", [])
            )
            rows.append([str(found["about"]), versions, found.get("setting", ""), tried or MISSING])
    header = ["peer", "versions", "setting", "tried, requests/s in short windows"]
    return "### The peers' versions and settings\n\n" + table(header, rows) if rows else ""


def _problems(results: Results) -> str:
    lines = [
        f"- {name}: {found['problem']}" for name, found in results.items() if "problem" in found
    ]
    return "### Not measured\n\n" + "\n".join(lines) if lines else ""


def _number(value: Any, digits: int = 0) -> str:
    return MISSING if value is None else f"{float(value):.{digits}f}"


def plot(results: Results, path: Path) -> None:
    """Draw latency against rate for every service: all windows of its searches."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for name, found in results.items():
        windows = [w for one in found.get("repeats", []) for w in one["trace"]]
        points = sorted((w["rate"], w["p99_ms"]) for w in windows if w["p99_ms"] is not None)
        if points:
            label = str(found.get("about", name.replace("service_", "triage-ml, ")))
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=label)
    axes.axhline(200, color="grey", linewidth=0.8, linestyle="--")
    axes.set(xscale="log", yscale="log", xlabel="requests a second", ylabel="p99, ms")
    axes.grid(visible=True, which="major", linewidth=0.3)
    if axes.lines[1:]:
        axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def write(results: Results, out: Path) -> None:
    """Write results.json, capacity.svg and table.md into `out`, and the page beside it, if any."""
    out.mkdir(parents=True, exist_ok=True)
    numbers = render(results)
    text = json.dumps(results, indent=1, ensure_ascii=False)
    (out / "results.json").write_text(text + "\n", "utf-8")
    (out / "table.md").write_text(numbers + "\n", "utf-8")
    plot(results, out / "capacity.svg")
    page = out.with_suffix(".md")
    if page.is_file():
        picture = f"![p99 latency against rate]({out.name}/capacity.svg)"
        text = with_numbers(page.read_text("utf-8"), f"{numbers}\n\n{picture}")
        page.write_text(text, "utf-8")
