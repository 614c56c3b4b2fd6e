"""Write docs/reference from the code: settings, errors, metrics, command line, policy.

python docs/build_reference.py          writes the pages
python docs/build_reference.py --check  says which pages are not what the code says
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import click
import typer
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase

from serving.metrics import Metrics
from serving.problems import TABLE, answer_to
from serving.settings import Settings
from triage_ml import cli, errors
from triage_ml.domain.decision import Action
from triage_ml.domain.report import Source
from triage_ml.domain.rules import FACTS, PLACEMENT, SAMPLE_CONTEXT, SCORES
from triage_ml.domain.taxonomy import HEADS, Label
from triage_ml.policy import load_policy

FOLDER = Path(__file__).parent / "reference"
UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
NOTE = "<!-- Written by docs/build_reference.py; edit the code instead. -->\n\n"


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    cells = (" | ".join(cell.replace("|", "\\|") for cell in line) for line in lines)
    return "\n".join(f"| {line} |" for line in cells) + "\n"


def settings_page() -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for name, field in Settings.model_fields.items():
            default = "" if field.default is None else f"`{shown(field.default)}`"
            yield f"`TRIAGE_{name.upper()}`", default, field.description or ""

    text = (
        "# Settings\n\nRead from the environment. Durations are written `500ms`, `10s`, `2m`, `1h`,"
        " `30d`. A wrong value is one line at start, naming the setting.\n\n"
    )
    extra = (
        "\nTraining, benchmarks and `triage decisions export` read `TRIAGE_DATA`: the folder of"
        " labelled corpora; training and the export fail where it has no `exclude.sha256`."
        " Tests that want another PostgreSQL than the embedded one read"
        " `TRIAGE_TEST_DATABASE_URL`.\n"
    )
    return text + table(("setting", "default", "meaning"), rows()) + extra


def shown(default: object) -> str:
    """Write a default as it is set: a duration in the largest unit that needs no fraction."""
    if not isinstance(default, timedelta):
        return str(default)
    for name, unit in UNITS.items():
        if default >= unit and default % unit == timedelta(0):
            return f"{default // unit}{name}"
    return f"{default.total_seconds():g}s"


def errors_page() -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for kind, row in TABLE.items():
            yield f"`{row.slug}`", str(row.status), f"`{kind.__name__}`", row.title

    def tree() -> Iterator[str]:
        for name, kind in vars(errors).items():
            if inspect.isclass(kind) and issubclass(kind, errors.TriageError):
                assert answer_to(kind.__new__(kind)), name
                yield name

    missing = [name for name in tree() if name not in {kind.__name__ for kind in TABLE}]
    assert not missing, f"no answer for {missing}"
    text = (
        "# Errors\n\nEvery error is a problem document (RFC 9457, `application/problem+json`) with"
        " `type`, `title`, `status`, `detail` and `instance`; a wrong field is named in `errors`"
        " with its reason, never with its value. `429` and `503` say when to come again"
        " (`Retry-After`).\n\n"
    )
    return text + table(("type", "status", "class", "title"), rows())


def metrics_page() -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for metric in vars(Metrics()).values():
            if isinstance(metric, MetricWrapperBase):
                suffix = "_total" if isinstance(metric, Counter) else ""
                labels = ", ".join(f"`{label}`" for label in metric._labelnames)
                name = f"`{metric._name}{suffix}`"
                yield name, type(metric).__name__.lower(), labels, metric._documentation

    text = (
        "# Metrics\n\nServed at `/metrics` in the Prometheus format, and about the process itself"
        " what the client library adds. No label holds item text or people.\n\n"
    )
    return text + table(("metric", "kind", "labels", "meaning"), rows())


def cli_page() -> str:
    root = typer.main.get_command(cli.app)
    parts = ["# Command line\n"]
    for path, command in walk("triage", root):
        context = click.Context(command, info_name=path)
        usage = command.collect_usage_pieces(context)
        parts.append(f"\n## `{path} {' '.join(usage)}`\n\n{inspect.cleandoc(command.help or '')}\n")
        rows = [
            (f"`{', '.join(p.opts)}`", getattr(p, "help", None) or "")
            for p in command.params
            if p.name not in ("help",)
        ]
        if rows:
            parts.append("\n" + table(("argument", "meaning"), iter(rows)))
    return "".join(parts)


def walk(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    children = getattr(command, "commands", None)
    if not children:
        yield path, command
        return
    for name, child in children.items():
        yield from walk(f"{path} {name}", child)


MEANINGS = {
    "reasons": "names of the reported labels, or `other`",
    "sources": f"kinds of reporters: {', '.join(Source)}",
    "jurisdictions": "two capital letters each",
    "has_deadline": "a report carries a legal deadline",
    "n_reports": "reports so far",
    "high_profile": "as the intake system said",
    "views_per_hour": "as the intake system said, else the surface's prior",
    "repeat_actor": "the author had upheld decisions lately",
    "incident": "part of an active incident",
    "stage": "`first` or `appeal`",
    "surface": "as the intake system said",
    "language": "en, de, tr, es, ko or und",
    "scored": "a model's scores are there",
    "p": "label → probability that priority may use; every label is there",
    "severity": "label → expected severity, 0 to 4",
    "p_violation": "probability that any violation label applies",
    "reason_measured": "scored, and every reported label is measured in this language",
    "tier": "0 to 4; routes and clocks only",
    "degraded": "not scored; routes and clocks only",
}


def policy_page() -> str:
    policy = load_policy()

    def facts() -> Iterator[tuple[str, ...]]:
        for name in SAMPLE_CONTEXT:
            where = "tiers.facts" if name in FACTS else "tiers.scores"
            where = "routes" if name in PLACEMENT else where
            assert name in FACTS | SCORES | PLACEMENT
            yield f"`{name}`", where, MEANINGS[name]

    def labels() -> Iterator[tuple[str, ...]]:
        for label in Label:
            row = policy.labels[label]
            head = "yes" if label in HEADS else ""
            yield f"`{label}`", row.scope, head, row.typical_severity.name, row.dsa_category

    def queues() -> Iterator[tuple[str, ...]]:
        for name, queue in policy.queues.items():
            graded = "".join(f", {s.name} {h:g}" for s, h in queue.hours_by_severity.items())
            yield f"`{name}`", queue.fed_by, f"{queue.hours:g}{graded}", "yes" * queue.restricted

    def clocks() -> Iterator[tuple[str, ...]]:
        for clock in policy.clocks:
            yield clock.name, f"{clock.hours:g}", clock.source

    return "".join(
        [
            f"# Policy\n\nThe shipped policy is version `{policy.version}`. A policy is a folder",
            " of TOML files (`triage_ml/policy/default`); `TRIAGE_POLICY_DIR` names another.",
            " Its folder `guidelines` says what each label covers, in a file per language; without",
            " it the labels' English words stand in.\n\n",
            "## Labels\n\n",
            table(("label", "scope", "model head", "typical severity", "DSA category"), labels()),
            "\n## Queues\n\n",
            table(("queue", "fed by", "hours", "restricted"), queues()),
            "\n## Legal clocks\n\nConfirm each with counsel. The due time is the limit less ",
            f"{policy.safety_margin:.0%}.\n\n",
            table(("clock", "hours", "source"), clocks()),
            "\n## Facts that conditions may use\n\nConditions are CEL expressions. Rules of",
            " `tiers.facts` see only the facts marked so; `tiers.scores` sees those and the",
            " scores; routes and clocks see everything.\n\n",
            table(("fact", "from", "meaning"), facts()),
            f"\n## Actions\n\n{', '.join(f'`{action}`' for action in Action)}\n",
        ]
    )


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "errors.md": errors_page,
    "metrics.md": metrics_page,
    "cli.md": cli_page,
    "policy.md": policy_page,
}


def stale() -> list[str]:
    """Name the pages that differ from what the code says."""
    return [name for name, make in PAGES.items() if read(FOLDER / name) != NOTE + make()]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main() -> None:
    if "--check" in sys.argv:
        sys.exit("\n".join(f"stale: {name}" for name in stale()) or 0)
    FOLDER.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        (FOLDER / name).write_text(NOTE + make(), encoding="utf-8")


if __name__ == "__main__":
    main()
