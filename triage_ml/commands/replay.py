"""`triage replay` and `triage history`: what was said of a case, and what was in use when."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from triage_ml.commands.access import with_existing_store
from triage_ml.commands.model_access import has_registry, open_registry
from triage_ml.commands.options import moment_of
from triage_ml.commands.words import DIFFERENT, notes, say
from triage_ml.errors import ArtifactInvalid, InvalidInput, NotFound, TriageError

if TYPE_CHECKING:
    from serving.past_models import Pull
    from triage_ml.ports import LiveModel, PolicyUse
    from triage_ml.storage.postgres import PostgresCaseStore
    from triage_ml.workflow.policies import Moment
    from triage_ml.workflow.replay import Replayed

INCOMPLETE = 3
"""Exit status where nothing differs, but something could not be replayed."""


def replay(
    case_id: Annotated[str, typer.Argument(metavar="CASE", help="Identifier of the case.")],
    text: Annotated[bool, typer.Option("--text", help="Print the texts that were scored.")] = False,
    restricted: Annotated[
        bool, typer.Option("--restricted", help="Replay a case of a restricted queue too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")] = False,
    mlflow: Annotated[
        str | None,
        typer.Option(
            "--mlflow", envvar="MLFLOW_TRACKING_URI", help="Registry to fetch old models from."
        ),
    ] = None,
) -> None:
    """Make every score and placement of a case again, and compare them with the record.

    Exit status 0: all agree. 1: something differs. 3: nothing differs, but not everything could
    be replayed; each line says why.
    """
    found = with_existing_store(
        lambda store, _clock: _replayed(store, _uuid(case_id), restricted, mlflow)
    )
    if found.restricted:
        notes.print("triage: this case stands in a restricted queue", style="yellow")
    from triage_ml.commands.replay_words import as_document, as_lines

    if as_json:
        print(json.dumps(as_document(found, with_text=text), ensure_ascii=False))  # noqa: T201
    else:
        for line in as_lines(found, with_text=text):
            say(line)
    if found.n_different or found.n_unknown:
        raise typer.Exit(DIFFERENT if found.n_different else INCOMPLETE)


def history(
    at: Annotated[
        str | None,
        typer.Option(help="A moment, as in 2026-11-22T09:30; UTC unless it says else. Now if not."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")] = False,
) -> None:
    """Tell which model and which policy were in use at a time."""
    from triage_ml.workflow.policies import in_use_at

    moment = _moment(at)
    found = with_existing_store(lambda store, _clock: in_use_at(store, moment))
    if as_json:
        print(json.dumps(_moment_document(found), ensure_ascii=False))  # noqa: T201
        return
    for line in _moment_lines(found):
        say(line)


async def _replayed(
    store: "PostgresCaseStore", case_id: UUID, restricted: bool, mlflow: str | None
) -> "Replayed":
    from serving.past_models import models_at_hand
    from serving.settings import Settings
    from triage_ml.policy import load_policy, policy_of
    from triage_ml.workflow.replay import Replay

    settings = Settings()
    policy = load_policy(settings.policy_dir)
    with models_at_hand(store, settings.data_dir, settings.model_dir, _registry(mlflow)) as models:
        return await Replay(store, models, policy_of, policy).of(case_id, restricted=restricted)


def _registry(mlflow: str | None) -> "Pull | None":
    """Give what fetches from the registry; None where there is none to ask."""
    if not has_registry(mlflow):
        return None

    def pull(version: str, folder: Path) -> Path:
        try:
            registry = open_registry(mlflow)
            from training.release.pull import pull as pull_into

            return pull_into(registry, registry.get(version), folder).folder
        except (NotFound, ArtifactInvalid):
            raise
        except TriageError as error:  # the registry is away, or what opens it
            raise OSError(None, str(error)) from error

    return pull


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput("CASE", "must be the identifier of a case") from None


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    found = moment_of("--at", text, "a time, as in 2026-11-22T09:30")
    if not 2000 <= found.year < 3000:
        raise InvalidInput("--at", "must lie between the years 2000 and 3000")
    return found


def _moment_lines(moment: "Moment") -> list[str]:
    return [
        f"at {moment.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        f"model   {_model_words(moment.model)}",
        f"policy  {_policy_words(moment.policy)}",
        *_scored_lines(moment),
    ]


def _model_words(row: "LiveModel | None") -> str:
    if row is None:
        return "none was live in the database: servers had the shipped one, or a folder's"
    since = f"{row.at:%Y-%m-%d %H:%M:%S}"
    return f"{row.version} ({row.sha256[:12]}), live since {since}, by {row.by}: {row.why}"


def _policy_words(row: "PolicyUse | None") -> str:
    if row is None:
        return "not known: no server had noted one"
    return f"{row.version} ({row.sha256[:12]}), in use since {row.at:%Y-%m-%d %H:%M:%S}"


def _scored_lines(moment: "Moment") -> list[str]:
    if not moment.scored:
        return ["scores  none in the hour before"]
    return [
        f"scores  {row.n} by {row.model_version} ({row.arm}) in the hour before"
        for row in moment.scored
    ]


def _moment_document(moment: "Moment") -> dict[str, object]:
    model, policy = moment.model, moment.policy
    return {
        "at": moment.at.isoformat(),
        "model": model
        and {
            "version": model.version,
            "sha256": model.sha256,
            "since": model.at.isoformat(),
            "by": model.by,
            "why": model.why,
        },
        "policy": policy
        and {
            "version": policy.version,
            "sha256": policy.sha256,
            "since": policy.at.isoformat(),
        },
        "scores_in_the_hour_before": [
            {"arm": row.arm.value, "model_version": row.model_version, "n": row.n}
            for row in moment.scored
        ],
    }
