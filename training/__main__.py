"""`python -m training <step>`: the command line over the steps."""

import os
from pathlib import Path
from typing import Annotated

import typer
from datasets import disable_progress_bars

from training import reports, steps
from training.config import Experiment, Workspace, load_experiment
from training.corpora.snapshot import choose_sources, require_data
from training.measuring import steps as measuring
from training.measuring.targets import render_targets
from training.recording import record_artifact, recording
from training.release.publish import build_artifact, find_targets
from training.release.publish import ship as ship_artifact
from training.retrain import Request, retrain
from triage_ml.errors import InvalidInput, TriageError
from triage_ml.inference.artifact import Artifact

app = typer.Typer(
    help="Steps from labelled corpora to a served model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Name = Annotated[str, typer.Option("--experiment", help="Name in training/experiments, or a file")]
Out = Annotated[Path | None, typer.Option("--out", help="Working folder [var/<experiment>]")]
Data = Annotated[Path | None, typer.Option("--data", envvar="TRIAGE_DATA", help="Data folder")]
Store = Annotated[
    str | None,
    typer.Option("--mlflow", envvar="MLFLOW_TRACKING_URI", help='MLflow store, or "none"'),
]
Ship = Annotated[bool, typer.Option("--ship", help="Replace triage_ml/models/current")]


def run_experiment(
    name: str,
    data: Path | None,
    out: Path | None = None,
    *,
    store: str | None = None,
    ship: bool = False,
) -> Artifact:
    """Run every step that is not done yet, and give the artifact. Raises: InvalidInput."""
    experiment = load_experiment(name)
    folder = _data_folder(data)
    require_data(folder, choose_sources(experiment))
    space = workspace(experiment, out)
    with recording(experiment, space, store) as tracker:
        if not space.report("prepare").is_file():
            steps.make_snapshot(experiment, space, folder, tracker)
            steps.prepare_base(experiment, space)
        if not steps.is_trained(experiment, space):
            steps.train_model(experiment, space, tracker)
        if not space.ngrams.is_file():
            steps.learn_ngrams(experiment, space)
        steps.export_model(experiment, space)
        measuring.measure_all(experiment, space, folder, tracker)
        artifact = build_artifact(experiment, space)
        record_artifact(artifact, tracker)
    if ship:
        ship_artifact(artifact, space)
    return artifact


def workspace(experiment: Experiment, out: Path | None) -> Workspace:
    root = out or Path("var") / experiment.name
    root.mkdir(parents=True, exist_ok=True)
    return Workspace(root)


@app.command("snapshot")
def snapshot_command(
    data: Data = None, experiment: Name = "quick", out: Out = None, mlflow: Store = None
) -> None:
    """Read the corpora into a content-hashed snapshot with splits."""
    chosen = load_experiment(experiment)
    space = workspace(chosen, out)
    with recording(chosen, space, mlflow) as tracker:
        steps.make_snapshot(chosen, space, _data_folder(data), tracker)


@app.command("prepare")
def prepare_command(experiment: Name = "quick", out: Out = None) -> None:
    """Prune the vocabulary to the snapshot."""
    chosen = load_experiment(experiment)
    steps.prepare_base(chosen, workspace(chosen, out))


@app.command("train")
def train_command(experiment: Name = "quick", out: Out = None, mlflow: Store = None) -> None:
    """Fine-tune the encoder; continues from the last checkpoint."""
    chosen = load_experiment(experiment)
    space = workspace(chosen, out)
    with recording(chosen, space, mlflow) as tracker:
        steps.train_model(chosen, space, tracker)


@app.command("ngrams")
def ngrams_command(experiment: Name = "quick", out: Out = None) -> None:
    """Fit the n-gram branch beside the encoder."""
    chosen = load_experiment(experiment)
    steps.learn_ngrams(chosen, workspace(chosen, out))


@app.command("export")
def export_command(experiment: Name = "quick", out: Out = None) -> None:
    """Export to ONNX, quantise to int8, check that they agree."""
    chosen = load_experiment(experiment)
    steps.export_model(chosen, workspace(chosen, out))


@app.command("calibrate")
def calibrate_command(experiment: Name = "quick", out: Out = None) -> None:
    """Score the held-out rows with the int8 model and fit the calibration."""
    chosen = load_experiment(experiment)
    measuring.calibrate_model(chosen, workspace(chosen, out))


@app.command("baseline")
def baseline_command(experiment: Name = "quick", out: Out = None) -> None:
    """Fit the floors with logistic regression and score the dev split."""
    chosen = load_experiment(experiment)
    space = workspace(chosen, out)
    measuring.fit_baselines(chosen, space)
    measuring.score_baselines(chosen, space)


@app.command("evaluate")
def evaluate_command(experiment: Name = "quick", out: Out = None, mlflow: Store = None) -> None:
    """Measure every language and output on the dev split, the floor beside it."""
    chosen = load_experiment(experiment)
    space = workspace(chosen, out)
    with recording(chosen, space, mlflow) as tracker:
        measuring.evaluate_model(chosen, space, tracker)


@app.command("noise")
def noise_command(experiment: Name = "quick", out: Out = None) -> None:
    """Name the rows of each corpus whose labels the model doubts."""
    chosen = load_experiment(experiment)
    measuring.review_noise(chosen, workspace(chosen, out))


@app.command("bias")
def bias_command(experiment: Name = "quick", out: Out = None) -> None:
    """Measure the scores of texts that mention groups of people."""
    chosen = load_experiment(experiment)
    measuring.bias_model(chosen, workspace(chosen, out))


@app.command("robustness")
def robustness_command(experiment: Name = "quick", out: Out = None) -> None:
    """Measure what disguised words cost."""
    chosen = load_experiment(experiment)
    measuring.robustness_model(chosen, workspace(chosen, out))


@app.command("behaviour")
def behaviour_command(experiment: Name = "quick", out: Out = None) -> None:
    """Run the functional cases."""
    chosen = load_experiment(experiment)
    measuring.behaviour_model(chosen, workspace(chosen, out))


@app.command("official")
def official_command(experiment: Name = "quick", out: Out = None, data: Data = None) -> None:
    """Measure on official test sets."""
    chosen = load_experiment(experiment)
    measuring.official_model(chosen, workspace(chosen, out), _data_folder(data))


@app.command("targets")
def targets_command(experiment: Name = "quick", out: Out = None) -> None:
    """Print what was aimed at beside what was reached, as a Markdown table."""
    chosen = load_experiment(experiment)
    typer.echo(render_targets(find_targets(workspace(chosen, out))))


@app.command("card")
def card_command(
    experiment: Name = "quick", out: Out = None, mlflow: Store = None, ship: Ship = False
) -> None:
    """Write the artifact folder with its card."""
    chosen = load_experiment(experiment)
    space = workspace(chosen, out)
    with recording(chosen, space, mlflow) as tracker:
        artifact = build_artifact(chosen, space)
        record_artifact(artifact, tracker)
    if ship:
        ship_artifact(artifact, space)
    reports.console.print(artifact.manifest.model_version, str(artifact.folder))


@app.command("run")
def run_command(
    data: Data = None,
    experiment: Name = "quick",
    out: Out = None,
    mlflow: Store = None,
    ship: Ship = False,
) -> None:
    """Run every step of an experiment that is not done yet."""
    artifact = run_experiment(experiment, data, out, store=mlflow, ship=ship)
    reports.console.print(artifact.manifest.model_version, str(artifact.folder))


@app.command("retrain")
def retrain_command(
    decisions: Annotated[list[Path] | None, typer.Option("--decisions")] = None,
    data: Data = None,
    champion: Annotated[str | None, typer.Option(help="Registry reference, or folder")] = None,
    out: Out = None,
    experiment: Name = "retrain",
    mlflow: Store = None,
    register: Annotated[bool, typer.Option(help="Register as challenger if gates pass")] = True,
) -> None:
    """Continue the champion with reviewers' decisions; `triage retrain` does the same."""
    from training.corpora.decisions import load_decisions

    asked = Request(tuple(decisions or ()), data, champion, out, experiment, mlflow, register)
    done = retrain(asked, load_decisions)
    reports.console.print(done.artifact.manifest.model_version, str(done.artifact.folder))


def _data_folder(data: Path | None) -> Path:
    found = data or (Path(os.environ["TRIAGE_DATA"]) if "TRIAGE_DATA" in os.environ else None)
    if found is None:
        raise InvalidInput("data", "no data folder; set TRIAGE_DATA or --data")
    return found


def main() -> None:
    disable_progress_bars()
    try:
        app()
    except TriageError as error:
        reports.console.print(f"error: {error}", highlight=False)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
