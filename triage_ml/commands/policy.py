"""`triage policy`: what was ever in use, whole, and what changed in between."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from triage_ml.commands.access import with_existing_store
from triage_ml.commands.words import DIFFERENT, print_table, say
from triage_ml.errors import InvalidInput, NotFound, SetupFailed

if TYPE_CHECKING:
    from triage_ml.ports import Clock, KeptPolicy
    from triage_ml.storage.postgres import PostgresCaseStore

HASH_CHARS = 12

policy = typer.Typer(help="The policies that were ever in use.", no_args_is_help=True)

Reference = Annotated[
    str, typer.Argument(help="Version, version@hash, or a folder with policy files.")
]


@policy.command("list")
def policy_list() -> None:
    """List the policies that servers of the database began with, oldest first."""

    async def read(store: "PostgresCaseStore", _clock: "Clock") -> "tuple[list[KeptPolicy], str]":
        newest = await store.policy_history(1)
        return await store.kept_policies(), newest[0].sha256 if newest else ""

    kept, live = with_existing_store(read)
    table = Table("version", "hash", "first seen", "files", "")
    for row in kept:
        alike = sum(other.version == row.version for other in kept)
        notes = ["in use"] if row.sha256 == live else []
        notes += [f"{alike} contents under this version"] if alike > 1 else []
        seen = f"{row.first_seen_at:%Y-%m-%d %H:%M}"
        cells = (row.version, row.sha256[:HASH_CHARS], seen, str(len(row.files)), ", ".join(notes))
        table.add_row(*map(escape, cells))
    print_table(table)


@policy.command("show")
def policy_show(
    reference: Reference,
    folder: Annotated[
        Path | None,
        typer.Option("--out", file_okay=False, help="Write the files into this new folder."),
    ] = None,
) -> None:
    """Print the files of a policy, or write them to a folder."""
    files = _files(reference)
    if folder is not None:
        _write(folder, files)
        say(f"written: {folder}")
        return
    for name, text in sorted(files.items()):
        say(f"# ---- {name}\n{text.rstrip()}\n")


@policy.command("diff")
def policy_diff(first: Reference, second: Reference) -> None:
    """Print what changed between two policies, file by file, as a unified diff.

    Exits with 1 where something changed, as diff does.
    """
    before, after = _files(first), _files(second)
    lines = [
        line
        for name in sorted({*before, *after})
        for line in _changes(name, before.get(name, ""), after.get(name, ""), first, second)
    ]
    for line in lines:
        say(line)
    if lines:
        raise typer.Exit(DIFFERENT)


@policy.command("check")
def policy_check(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Policy folder; that of TRIAGE_POLICY_DIR, or the shipped one."),
    ] = None,
) -> None:
    """Refuse a policy that is wrong, or that changed without a new version.

    A server would start with the second, and say so in its log.
    """
    from serving.settings import Settings
    from triage_ml.policy import load_policy
    from triage_ml.workflow.policies import check_version

    found = load_policy(folder or Settings().policy_dir)
    with_existing_store(lambda store, _clock: check_version(store, found))
    say(f"policy {found.version} ({found.sha256[:HASH_CHARS]}) can be used")


def _changes(name: str, before: str, after: str, first: str, second: str) -> list[str]:
    names = f"{first}/{name}", f"{second}/{name}"
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm=""))


def _files(reference: str) -> Mapping[str, str]:
    """Give the files of a folder, or of a policy that was kept. Raises: NotFound, InvalidInput."""
    if Path(reference).is_dir():
        from triage_ml.policy import read_policy

        return read_policy(Path(reference))
    version, _, prefix = reference.partition("@")
    kept = with_existing_store(lambda store, _clock: store.find_policies(version))
    found = [row for row in kept if row.sha256.startswith(prefix)]
    if not found:
        raise NotFound("policy", reference)
    if len(found) > 1:
        names = ", ".join(f"{version}@{row.sha256[:HASH_CHARS]}" for row in found)
        raise InvalidInput("version", f"stands for several contents: {names}")
    return found[0].files


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        folder.mkdir(parents=True)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SetupFailed(f"cannot write {folder}: {error.strerror}") from error
