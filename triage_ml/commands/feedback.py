"""`triage decisions`: what reviewers decided, as examples to learn from; and `triage erase`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from triage_ml.commands.access import training_extra, with_policy, with_store
from triage_ml.commands.options import moment_of, require_one_of
from triage_ml.commands.words import note, notes, out, say

if TYPE_CHECKING:
    from training.corpora.decisions import Manifest
    from triage_ml.domain.policy import Policy
    from triage_ml.ports import Clock, ErasedItem
    from triage_ml.storage.postgres import PostgresCaseStore

decisions = typer.Typer(help="What reviewers decided, to learn from.", no_args_is_help=True)
DAY = "a day or a time, as 2026-03-01"
EVERY = 5_000
"""Cases between two lines of progress where there is no terminal."""

NAMES = {"en": "English", "de": "German", "tr": "Turkish", "es": "Spanish", "ko": "Korean"}


@decisions.command("export")
def decisions_export(
    folder: Annotated[Path, typer.Option("--out", help="Folder to write; must not be there.")],
    since: Annotated[str, typer.Option(help="First day or time, as 2026-03-01.")] = "",
    until: Annotated[str, typer.Option(help="Day or time where it ends; now if left out.")] = "",
    noise: Annotated[
        str, typer.Option(help="How verdicts are joined: dawid-skene, mace or majority.")
    ] = "dawid-skene",
    previous: Annotated[
        Path | None, typer.Option(help="An earlier export: tells what of it is gone.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(envvar="TRIAGE_DATA", help="Folder of public corpora; see exclude.sha256."),
    ] = None,
) -> None:
    """Write decisions as examples, without personal data; whole, or not at all.

    Nothing of restricted queues or child safety leaves, nor texts that were erased or are reserved.
    """
    with training_extra("this"):
        from training.corpora.examples import NO_LIST, read_reserved
        from training.feedback.export import BEGINNING, Wanted, export_decisions
        from training.feedback.noise import NoiseModel

    require_one_of("noise", noise, tuple(NoiseModel))
    now = datetime.now(UTC)
    wanted = Wanted(
        moment_of("since", since, DAY) if since else BEGINNING,
        moment_of("until", until, DAY) if until else now,
        NoiseModel(noise),
        previous,
        read_reserved(data) if data else NO_LIST,
    )

    async def export(store: "PostgresCaseStore", policy: "Policy", clock: "Clock") -> "Manifest":
        with _progress() as tick:
            return await export_decisions(store, policy, folder, wanted, clock.now(), tick)

    manifest = with_policy(export)
    notes.print(
        f"written: {folder}, {manifest.n_examples} examples of {manifest.n_decisions} decisions",
        highlight=False,
        markup=False,
    )
    if not data:
        note(
            "no list of reserved texts was applied (--data); where the data folder of "
            "`triage retrain` holds one, it refuses this export"
        )
    print(manifest.hash)  # noqa: T201  plain, for scripts


@decisions.command("show")
def decisions_show(
    folder: Annotated[Path, typer.Argument(help="Folder of an export.")],
) -> None:
    """Check an export and print what it holds."""
    with training_extra("this"):
        from training.corpora.decisions import load_decisions

    manifest = load_decisions(folder).manifest
    say(f"{manifest.n_examples} examples of {manifest.n_decisions} decisions")
    say(
        f"{manifest.n_judgements} verdicts of {manifest.n_reviewers} people, {manifest.noise_model}"
    )
    say(f"decided from {manifest.window['since']} to {manifest.window['until']}")
    say(f"policies: {', '.join(manifest.policy_versions) or 'none noted'}")
    say(f"hash: {manifest.hash}")
    out.print(_labels_of(manifest))
    for language, name in NAMES.items():
        if language not in manifest.counts:
            say(f"{name}: no examples; a model learns nothing new of this language from here")
    for reason, n in manifest.excluded.items():
        if n:
            say(f"left out, {reason.replace('_', ' ')}: {n}")
    for output, n in manifest.contested.items():
        say(f"label unknown because verdicts contradict each other, {output}: {n}")
    if manifest.previous:
        gone, erased = manifest.previous["n_gone"], manifest.previous["n_gone_erased"]
        say(f"of {manifest.previous['n_examples']} examples before, {gone} are gone")
        say(f"of these because they were erased: {erased}")


def erase(
    item_id: Annotated[str, typer.Argument(help="The item's id, as it was reported.")],
    why: Annotated[str, typer.Option(help="Stands in the log of the item's cases.")],
    by: Annotated[str, typer.Option(help="Who erases; stands in the log too.")] = "operator",
) -> None:
    """Erase every text that was stored of an item; its cases and their log stay."""
    from triage_ml.domain.report import check_ref
    from triage_ml.workflow.erasure import Eraser

    check_ref("by", by)

    async def run(store: "PostgresCaseStore", clock: "Clock") -> "ErasedItem":
        return await Eraser(store, clock).erase(by, item_id, why)

    found = with_store(run)
    at = f"{found.erased_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if not found.n_versions:
        say(f"the texts of {item_id} were erased before, at {at}")
        return
    say(f"erased {item_id}: texts {found.n_versions}, cases {found.n_cases}")


def _labels_of(manifest: "Manifest") -> Table:
    table = Table("language", "output", "applies", "does not")
    for language, outputs in manifest.counts.items():
        for output, values in outputs.items():
            table.add_row(language, output, str(values["1"]), str(values["0"]))
    return table


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Count cases on standard error: live on a terminal, now and then elsewhere."""
    n_read = 0

    def told(n: int) -> None:
        nonlocal n_read
        before, n_read = n_read, n_read + n
        if notes.is_terminal or n_read // EVERY > before // EVERY:
            end = "\r" if notes.is_terminal else "\n"
            notes.print(f"{n_read} cases read", highlight=False, end=end)

    yield told
    if notes.is_terminal:
        notes.print()
