"""`triage retrain`: a challenger from the champion and reviewers' decisions.

Needs the training extra. A known problem is one line and exit status 2; the champion is only read.
"""

from pathlib import Path
from typing import Annotated

import typer

from triage_ml.commands.access import training_extra
from triage_ml.commands.words import refusing, say

Decisions = Annotated[
    list[Path] | None,
    typer.Option("--decisions", help="Folder of exported decisions; give it again for more."),
]


def retrain(
    decisions: Decisions = None,
    data: Annotated[
        Path | None, typer.Option("--data", envvar="TRIAGE_DATA", help="Folder of public corpora.")
    ] = None,
    champion: Annotated[
        str | None,
        typer.Option(help="Version of the registry, or folder; its champion if left out."),
    ] = None,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Working folder; var/retrain-<date> if left out.")
    ] = None,
    experiment: Annotated[
        str, typer.Option(help="Settings: retrain, retrain-quick, or a file.")
    ] = "retrain",
    mlflow: Annotated[
        str | None,
        typer.Option(envvar="MLFLOW_TRACKING_URI", help='Store; SQLite under var, or "none".'),
    ] = None,
    register: Annotated[bool, typer.Option(help="Register as challenger if gates pass.")] = True,
    gates: Annotated[
        Path | None, typer.Option(help="Limits; those the experiment names if left out.")
    ] = None,
) -> None:
    """Learn from decisions, compare with the champion, register as challenger. Resumable."""
    with training_extra("retraining"):
        import torch  # noqa: F401  # the first of the training extra that is missing
        from datasets import disable_progress_bars

        from training.corpora.decisions import load_decisions
        from training.retrain import Request
        from training.retrain import retrain as run
    disable_progress_bars()
    asked = Request(
        tuple(decisions or ()), data, champion, out_folder, experiment, mlflow, register, gates
    )
    with refusing():
        done = run(asked, load_decisions)
    version = done.artifact.manifest.model_version
    if done.version is None:
        say(f"{version} is in {done.artifact.folder}; not registered")
    else:
        say(f"version {done.version.number} ({version}) is registered as challenger")
