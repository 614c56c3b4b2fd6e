"""The command `triage`: serve, score, keys, accounts, database, model, training.

Imports stand inside the commands: `triage --help` needs none of them, and `triage score` starts
without the web framework and the database driver.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from triage_ml import __version__
from triage_ml.commands.access import training_extra, with_store
from triage_ml.commands.accounts import accounts
from triage_ml.commands.drift import drift
from triage_ml.commands.feedback import decisions, erase
from triage_ml.commands.labelling import labelling
from triage_ml.commands.means import means
from triage_ml.commands.model import ModelDir
from triage_ml.commands.model_access import model_folder
from triage_ml.commands.policy import policy
from triage_ml.commands.replay import history, replay
from triage_ml.commands.retrain import retrain
from triage_ml.commands.rollout import model
from triage_ml.commands.simulate import compare, simulate
from triage_ml.commands.trends import trends
from triage_ml.commands.whole_file import whole_file
from triage_ml.commands.words import FAILED, complain, notes, out, say
from triage_ml.errors import TriageError

if TYPE_CHECKING:
    from triage_ml.ports import CaseStore, Clock

app = typer.Typer(
    name="triage",
    help="ML-assisted content triage.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
db = typer.Typer(help="The database.", no_args_is_help=True)
keys = typer.Typer(help="API keys: made once, shown once, stored as a hash.", no_args_is_help=True)
app.add_typer(db, name="db")
app.add_typer(keys, name="keys")
app.add_typer(accounts, name="accounts")
app.add_typer(policy, name="policy")
app.add_typer(model, name="model")
app.add_typer(trends, name="trends")
app.command()(compare)
app.command()(simulate)
app.add_typer(means, name="means")
app.add_typer(labelling, name="labelling")
app.command()(replay)
app.command()(history)
app.add_typer(drift, name="drift")
app.add_typer(decisions, name="decisions")
app.command("erase")(erase)
app.command("retrain")(retrain)


def main() -> None:
    """Run the command line; a known problem is one line and exit status 1."""
    from pydantic import ValidationError

    try:
        app()
    except TriageError as error:
        complain(str(error))
    except ValidationError as error:  # of the settings: everything else is checked further in
        wrong = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(["triage", *map(str, wrong["loc"])]).upper()
        complain(f"{name}: {wrong['msg'].removeprefix('Value error, ')}")
    except KeyboardInterrupt:
        raise SystemExit(130) from None


@app.command()
def version() -> None:
    """Print the version."""
    say(__version__)


@app.command()
def serve(
    demo: Annotated[
        bool, typer.Option("--demo", help="Make keys and submit demo reports.")
    ] = False,
    host: Annotated[str | None, typer.Option(help="Instead of TRIAGE_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Instead of TRIAGE_PORT.")] = None,
) -> None:
    """Serve the API, with the worker beside it, until Ctrl-C."""
    from serving.run import run_server
    from serving.settings import Settings

    given: dict[str, Any] = {"host": host, "port": port}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    run_server(settings, demo=demo, say=say)


@app.command()
def worker() -> None:
    """Score what is waiting and deliver webhooks, apart from the API, until Ctrl-C."""
    from serving.run import run_worker
    from serving.settings import Settings

    run_worker(Settings(), say)


@app.command()
def score(
    source: Annotated[
        Path | None,
        typer.Argument(
            help="JSONL file; standard input if left out.",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", dir_okay=False, help="File to write; standard output if not."
        ),
    ] = None,
    model_dir: ModelDir = None,
    policy_dir: Annotated[
        Path | None, typer.Option(envvar="TRIAGE_POLICY_DIR", help="Policy folder for the tier.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Threads for the model.")] = 2,
) -> None:
    """Score JSONL lines {"id", "text", "language"?} without a server or a database.

    Writes one line each, in the same order. A line that cannot be scored gets an "error" in its
    place, and the exit status is 1.
    """
    from triage_ml.inference.bulk import score_stream

    with _open_input(source) as lines, _open_output(output) as sink, _progress(source) as tick:
        scorer, policy = _scorer(model_dir, policy_dir), _policy(policy_dir)
        counts = score_stream(lines, sink, scorer, policy, tick, n_threads=threads)
    notes.print(f"{counts.scored} scored, {counts.failed} failed", highlight=False)
    if counts.failed:
        raise typer.Exit(FAILED)


@app.command()
def train(
    data: Annotated[Path, typer.Option(envvar="TRIAGE_DATA", help="Folder of labelled corpora.")],
    experiment: Annotated[str, typer.Option(help="Name in training/experiments.")] = "quick",
    out: Annotated[
        Path | None, typer.Option(help="Folder of snapshot, checkpoints, results; var/<name>.")
    ] = None,
    ship: Annotated[bool, typer.Option(help="Make it the model of this checkout.")] = False,
) -> None:
    """Run every training step of an experiment; run again, it resumes where it stopped."""
    with training_extra("training"):
        from training.__main__ import run_experiment
    run_experiment(experiment, data, out, ship=ship)


@db.command("migrate")
def db_migrate() -> None:
    """Bring the database to this version's schema."""
    with_store(lambda _store, _clock: _nothing())
    say("the database is up to date")


@keys.command("create")
def keys_create(
    name: Annotated[str, typer.Argument(help="Stands on every claim, decision and event.")],
    scope: Annotated[list[str], typer.Option(help="intake, review, restricted, ml, admin.")],
) -> None:
    """Make a key and print it; it cannot be shown again."""
    from triage_ml.workflow.access import create_key

    secret = with_store(lambda store, clock: create_key(store, clock, name, scope))
    print(secret)  # noqa: T201  plain, for scripts


@keys.command("list")
def keys_list() -> None:
    """List names and scopes."""
    table = Table("name", "scopes", "created", "revoked")
    for key in with_store(lambda store, _clock: store.list_keys()):
        revoked = f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
        created = f"{key.created_at:%Y-%m-%d %H:%M}"
        table.add_row(escape(key.name), " ".join(sorted(key.scopes)), created, revoked)
    out.print(table)


@keys.command("revoke")
def keys_revoke(names: list[str]) -> None:
    """End keys; a running server notices within seconds."""

    async def revoke(store: "CaseStore", clock: "Clock") -> None:
        for name in names:
            await store.revoke_key(name, clock.now())

    with_store(revoke)
    say(f"revoked: {', '.join(names)}")


async def _nothing() -> None:
    return None


def _policy(folder: Path | None) -> Any:
    from triage_ml.policy import load_policy

    return load_policy(folder)


def _scorer(model_dir: Path | None, policy_dir: Path | None) -> Any:
    from triage_ml.inference.onnx import load_scorer

    return load_scorer(model_folder(model_dir), _policy(policy_dir).typical_severities)


@contextmanager
def _open_input(path: Path | None) -> Iterator[Any]:
    if path is None:
        yield sys.stdin.buffer
        return
    with path.open("rb") as lines:
        yield lines


@contextmanager
def _open_output(path: Path | None) -> Iterator[Any]:
    if path is None:
        yield sys.stdout.buffer
        return
    with whole_file(path) as sink:
        yield sink


@contextmanager
def _progress(source: Path | None) -> Iterator[Callable[[int], None]]:
    """Show progress on a terminal; elsewhere stay silent."""
    if not notes.is_terminal:
        yield lambda _: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    total = None
    if source is not None:
        with source.open("rb") as lines:
            total = sum(1 for _ in lines)
    columns = (SpinnerColumn(), *Progress.get_default_columns(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.completed} texts"), console=notes) as progress:
        task = progress.add_task("scoring", total=total)
        yield lambda n: progress.advance(task, n)


if __name__ == "__main__":
    main()
