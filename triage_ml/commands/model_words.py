"""What `triage model` prints: lines, notes and tables."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from triage_ml.commands.words import print_table, say

if TYPE_CHECKING:
    from training.release.compare import Difference
    from training.release.records import Version


def show_served(folder: Path) -> None:
    from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES
    from triage_ml.inference.artifact import load_artifact

    manifest = load_artifact(folder).manifest
    table = Table("label", *(language.value for language in SUPPORTED_LANGUAGES))
    for label in manifest.labels:
        cells = (manifest.support_matrix.of(x, label).value for x in SUPPORTED_LANGUAGES)
        table.add_row(label.value, *cells)
    say(f"{manifest.model_version}, made {manifest.created_at}")
    print_table(table)


def show_registered(version: "Version") -> None:
    aliases = ", ".join(version.aliases) or "no alias"
    say(f"version {version.number}: {version.model_version} ({aliases})")
    for name, value in version.tags.items():
        if name not in ("model_version", "gates"):
            say(f"{name}: {value}")
    if "adopted" in version.tags:
        say("adopted, gates not run here")
        return
    table = Table("gate passed", "value", "limit")
    for name, numbers in json.loads(version.tags["gates"]).items():
        table.add_row(escape(name), *(f"{number:.4f}" for number in numbers))
    print_table(table)


def difference_cells(row: "Difference") -> tuple[str, ...]:
    numbers = ("" if x is None else f"{x:.4f}" for x in (row.first, row.second))
    change = "" if row.change is None else f"{row.change:+.4f}"
    return (*map(escape, (row.language, row.output, row.measure)), *numbers, change)
