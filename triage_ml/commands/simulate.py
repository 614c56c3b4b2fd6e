"""`triage compare` and `triage simulate`: past cases under two models, policies or staffings."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from triage_ml.commands.access import with_store
from triage_ml.commands.options import user_of
from triage_ml.commands.simulate_models import scores_of
from triage_ml.commands.whole_file import write_whole
from triage_ml.commands.words import notes, say
from triage_ml.errors import InvalidInput

if TYPE_CHECKING:
    from triage_ml.domain.comparison import Comparison
    from triage_ml.domain.policy import Policy
    from triage_ml.domain.staffing import Staffing
    from triage_ml.ports import Clock
    from triage_ml.storage.postgres import PostgresCaseStore
    from triage_ml.workflow.side_by_side import History, Scored, Tick
    from triage_ml.workflow.simulate import Question

    Said = Awaitable[list[Scored]]

T = TypeVar("T")
Pair = tuple[T, T]

Models = Annotated[
    list[str],
    typer.Option(
        "--model",
        help="Before, then after: a version published in the database, live, shipped, an "
        "artifact's folder, or a reference of the registry. Given once: the same for both.",
    ),
]
Policies = Annotated[
    list[Path] | None,
    typer.Option(
        "--policy", help="Policy folders before and after; once: for both; none: the configured."
    ),
]
Last = Annotated[int, typer.Option(help="Replay so many of the newest cases at most.")]
Days = Annotated[float | None, typer.Option(help="Only cases of so many days back.")]
Repeat = Annotated[int, typer.Option(help="Repetitions of the simulation, 5 to 200.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same numbers.")]
Reviewers = Annotated[
    list[Path] | None,
    typer.Option(
        "--reviewers",
        dir_okay=False,
        help="Who works when, before and after; once: for both; none: an assumed desk.",
    ),
]
By = Annotated[str | None, typer.Option(help="Who asks; the user of this system if left out.")]
Json = Annotated[Path | None, typer.Option("--json", dir_okay=False, help="Also write JSON.")]
Html = Annotated[Path | None, typer.Option("--html", dir_okay=False, help="Also write a page.")]


def compare(
    model: Models,
    policy: Policies = None,
    reviewers: Reviewers = None,
    last: Last = 5000,
    days: Days = None,
    repeat: Repeat = 20,
    seed: Seed = 1,
    by: By = None,
    json: Json = None,
    html: Html = None,
) -> None:
    """Show which past cases move between tiers and queues under another model, and what it costs.

    Kept for the console and for `triage model promote`. Files and lists hold nothing restricted.
    """
    from triage_ml.domain.comparison import Kind
    from triage_ml.workflow.simulate import Question

    question = Question(Kind.MODELS, user_of(by), repeat, seed)
    names = _two("model", model)
    policies = _policies(policy)
    desks = _staffings(reviewers, policies)

    def judge(store: "PostgresCaseStore", history: "History", tick: "Tick") -> "Said":
        return scores_of(store, history, names, policies, tick)

    _show(_play(question, last, days, policies, desks, judge), json, html)


def simulate(
    policy: Policies = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(help="Constants to change afterwards, as in urgency_weight=50 age_weight=2."),
    ] = None,
    reviewers: Reviewers = None,
    last: Last = 5000,
    days: Days = None,
    repeat: Repeat = 20,
    seed: Seed = 1,
    by: By = None,
    json: Json = None,
    html: Html = None,
) -> None:
    """Replay past cases under other weights, routes, thresholds or staffing; scores stay.

    One --policy is tried against the one that holds now; without a change it shows how it is.
    """
    from triage_ml.domain.comparison import Kind
    from triage_ml.domain.weights import change_weights
    from triage_ml.workflow.simulate import Question

    question = Question(Kind.SIMULATION, user_of(by), repeat, seed)
    rules = _policies(policy, against_now=True)
    rules = (rules[0], change_weights(rules[1], weights or ()))
    desks = _staffings(reviewers, rules)

    async def judge(
        _store: "PostgresCaseStore", history: "History", _tick: "Tick"
    ) -> "list[Scored]":
        from triage_ml.workflow.side_by_side import Scored
        from triage_ml.workflow.simulate import models_of, stored_scores

        scores = stored_scores(history.cases)
        return [Scored(models_of(scores), scores)] * 2

    _show(_play(question, last, days, rules, desks, judge), json, html)


def _play(
    question: "Question",
    last: int,
    days: float | None,
    policies: "Pair[Policy]",
    desks: "Pair[Staffing | None]",
    judge: "Callable[[PostgresCaseStore, History, Tick], Said]",
) -> "Comparison":
    """Place past cases on both sides by what `judge` says, play both through, and keep it."""
    from triage_ml.workflow.side_by_side import Placing
    from triage_ml.workflow.simulate import compare_sides, load_history

    async def play(store: "PostgresCaseStore", clock: "Clock") -> "Comparison":
        history = await load_history(store, clock.now(), last, days)
        with _progress() as tick:
            said = await judge(store, history, tick)
            before, after = (
                Placing(scored, rules, desk)
                for scored, rules, desk in zip(said, policies, desks, strict=True)
            )
            made = await asyncio.to_thread(
                compare_sides, history, before, after, question, clock.now(), tick
            )
        await store.add_comparison(made)
        return made

    return with_store(play)


def _two(field: str, given: Sequence[T]) -> Pair[T]:
    if not 1 <= len(given) <= 2:
        raise InvalidInput(f"--{field}", "must be given once or twice")
    return given[0], given[-1]


def _policies(folders: Sequence[Path] | None, *, against_now: bool = False) -> "Pair[Policy]":
    """Read both policies; the one that holds now is read once."""
    from serving.settings import Settings
    from triage_ml.policy import load_policy

    if not folders or (against_now and len(folders) == 1):
        now = load_policy(Settings().policy_dir)
        return now, load_policy(folders[0]) if folders else now
    first, second = _two("policy", folders)
    before = load_policy(first)
    return before, before if second == first else load_policy(second)


def _staffings(files: Sequence[Path] | None, rules: "Pair[Policy]") -> "Pair[Staffing | None]":
    """Read who works; None stands for an assumed desk."""
    from triage_ml.domain.staffing import check_queues

    if not files:
        return None, None
    found = [_read_staffing(path) for path in files]
    for staffing in found:
        check_queues(staffing, {*rules[0].queues, *rules[1].queues})
    return _two("reviewers", found)


def _read_staffing(path: Path) -> "Staffing":
    import tomllib

    from triage_ml.domain.staffing import parse_staffing

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(str(path), error.strerror or "cannot be read") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(str(path), f"is not valid TOML: {error}") from error
    return parse_staffing(document, path.name)


def _show(made: "Comparison", json: Path | None, html: Path | None) -> None:
    from serving.console.comparison_file import as_html
    from triage_ml.commands.simulate_report import as_json, print_comparison

    print_comparison(made)
    for path, content in ((json, as_json), (html, as_html)):
        if path is not None:
            write_whole(path, content(made))
            say(f"written: {path}")


@contextmanager
def _progress() -> "Iterator[Tick]":
    """Show progress on a terminal; elsewhere stay silent."""
    if not notes.is_terminal:
        yield lambda _step, _done, _total: None
        return
    from rich.progress import Progress, TaskID

    with Progress(console=notes) as progress:
        tasks: dict[str, TaskID] = {}

        def tick(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total)
            progress.update(tasks[step], completed=done)

        yield tick
