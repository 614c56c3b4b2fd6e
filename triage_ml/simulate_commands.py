"""`triage compare` and `triage simulate`: past cases under two models, policies or staffings."""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console

from triage_ml.errors import InvalidInput, NotFound, SetupFailed

if TYPE_CHECKING:
    from triage_ml.domain.comparison import Comparison
    from triage_ml.domain.policy import Policy
    from triage_ml.domain.staffing import Staffing
    from triage_ml.ports import Scorer
    from triage_ml.storage.postgres import PostgresCaseStore
    from triage_ml.workflow.side_by_side import History, Scores, Tick

T = TypeVar("T")
Pair = tuple[T, T]

out = Console(soft_wrap=True)
notes = Console(stderr=True, soft_wrap=True)

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

    question = Question(Kind.MODELS, by or _user(), repeat, seed)
    names = _two("model", model)
    policies = _policies(policy)
    desks = _staffings(reviewers, policies)
    with ExitStack() as stack:

        async def play(store: "PostgresCaseStore") -> "Comparison":
            from serving.app import SystemClock
            from triage_ml.workflow.side_by_side import Placing
            from triage_ml.workflow.simulate import compare_sides, load_history

            clock, tick = SystemClock(), stack.enter_context(_progress())
            history = await load_history(store, clock.now(), last, days)
            known = {name: await _find(store, name, stack) for name in dict.fromkeys(names)}
            rules, scored = policies, {}
            for at, name in enumerate(names):
                key = name, id(rules[at])
                if key not in scored:
                    scored[key] = await _scores(store, history, *known[name], rules[at], tick)
            before, after = (
                Placing(known[name][0], rules[at], scored[name, id(rules[at])], desks[at])
                for at, name in enumerate(names)
            )
            made = await asyncio.to_thread(
                compare_sides, history, before, after, question, clock.now(), tick
            )
            await store.add_comparison(made)
            return made

        _show(_with_store(play), json, html)


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

    question = Question(Kind.SIMULATION, by or _user(), repeat, seed)
    rules = _policies(policy, against_now=True)
    rules = (rules[0], change_weights(rules[1], weights or ()))
    desks = _staffings(reviewers, rules)

    async def play(store: "PostgresCaseStore") -> "Comparison":
        from serving.app import SystemClock
        from triage_ml.workflow.side_by_side import Placing
        from triage_ml.workflow.simulate import (
            compare_sides,
            load_history,
            models_of,
            stored_scores,
        )

        clock = SystemClock()
        history = await load_history(store, clock.now(), last, days)
        scores = stored_scores(history.cases)
        name = models_of(scores)
        before, after = (Placing(name, rules[at], scores, desks[at]) for at in (0, 1))
        with _progress() as tick:
            made = await asyncio.to_thread(
                compare_sides, history, before, after, question, clock.now(), tick
            )
        await store.add_comparison(made)
        return made

    _show(_with_store(play), json, html)


async def _scores(
    store: "PostgresCaseStore",
    history: "History",
    version: str,
    folder: Path | None,
    rules: "Policy",
    tick: "Tick",
) -> "Scores":
    """Give a version's scores; recorded ones count where severities mean the same as now."""
    from serving.settings import Settings
    from triage_ml.policy import load_policy
    from triage_ml.workflow.simulate import score_history

    recorded = _severities(load_policy(Settings().policy_dir)) == _severities(rules)
    load = None if folder is None else partial(_load, folder, rules)
    return await score_history(store, history.cases, version, load, recorded=recorded, tick=tick)


def _load(folder: Path, rules: "Policy") -> "Scorer":
    from triage_ml.inference.onnx import load_scorer

    return load_scorer(folder, _severities(rules))


def _severities(rules: "Policy") -> dict[Any, float]:
    return {label: float(row.typical_severity) for label, row in rules.labels.items()}


async def _find(store: "PostgresCaseStore", name: str, stack: ExitStack) -> tuple[str, Path | None]:
    """Find a model: its version, and the folder of its artifact where that can be had.

    Raises: NotFound, ArtifactInvalid, and what the registry raises.
    """
    from triage_ml.inference.artifact import MANIFEST, SHIPPED, load_artifact

    if name == "live":
        live = await store.live_model()
        name = live.version if live else "shipped"
    shipped = SHIPPED if (SHIPPED / MANIFEST).is_file() else None
    if name == "shipped":
        return load_artifact(SHIPPED).manifest.model_version, SHIPPED
    if os.sep in name or (Path(name) / MANIFEST).is_file():
        return load_artifact(Path(name)).manifest.model_version, Path(name)
    place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="triage-"))) / "artifact"
    try:
        await store.fetch_model(name, place)
        return load_artifact(place).manifest.model_version, place
    except NotFound:
        if shipped and load_artifact(shipped).manifest.model_version == name:
            return name, shipped
    return _registered(name, stack)


def _registered(name: str, stack: ExitStack) -> tuple[str, Path | None]:
    """Ask the registry, where there is one; a version whose files are gone may be recorded."""
    store = os.environ.get("MLFLOW_TRACKING_URI")
    try:
        from training.release.registry import ROOT, Registry
    except ModuleNotFoundError:
        return name, None
    if store is None and not (ROOT / "mlflow.db").is_file():
        return name, None  # opening one would make it
    try:
        registry = Registry.open(store)
        artifact = stack.enter_context(registry.fetched(registry.get(name)))
    except NotFound:
        return name, None
    return artifact.manifest.model_version, artifact.folder


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
    from triage_ml.simulate_report import as_json, print_comparison

    print_comparison(made, out)
    for path, content in ((json, as_json), (html, as_html)):
        if path is not None:
            _write(path, content(made))
            out.print(f"written: {path}", highlight=False, markup=False)


def _write(path: Path, content: bytes) -> None:
    # Renamed into place: an interrupted run leaves no half file behind.
    draft = path.with_name(path.name + ".part")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SetupFailed(f"cannot write {path}: {error.strerror}") from error


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


def _user() -> str:
    try:
        return getuser()
    except (OSError, KeyError) as error:
        raise InvalidInput("--by", "this user has no name, so give one") from error


def _with_store(use: "Callable[[PostgresCaseStore], Awaitable[T]]") -> T:
    from serving.app import open_store
    from serving.preflight import check_folder
    from serving.settings import Settings

    settings = Settings()

    async def opened() -> T:
        if settings.database_url is None:
            check_folder(settings.data_dir)
        async with open_store(settings) as store:
            return await use(store)

    return asyncio.run(opened())
