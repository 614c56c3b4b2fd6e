"""The step that sets the exported model beside the champion it continues."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.config import Experiment, Workspace
from training.corpora.splits import DEV
from training.learning.batches import Rows
from training.measuring import plots
from training.measuring.behaviour import CASES, read_cases, run_cases, summarise
from training.measuring.draft import score_texts
from training.measuring.steps import calibrated_scorer
from training.measuring.versus import Side, compare_rows
from training.reports import digest_of, outputs_of, read_report, rows_of, say, write_report
from training.tracking import Tracker
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, VIOLATION, Label, Language, Support
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import Artifact, Manifest, load_artifact
from triage_ml.inference.calibrate import Calibrator
from triage_ml.inference.onnx import OnnxScorer


def compare_with_champion(
    experiment: Experiment, space: Workspace, tracker: Tracker, fingerprint: str
) -> None:
    """Score the dev rows with the champion as served, and compare; writes `versus.json`.

    `fingerprint` names the champion's artifact. Raises: InvalidInput when other rows were scored.
    """
    rows, outputs = rows_of(experiment, space, DEV), outputs_of(experiment, space)
    stored = np.load(space.logits)
    if str(stored["of"]) != digest_of(experiment, space):
        raise InvalidInput("versus", "other rows were scored; run calibrate again")
    champion = load_artifact(space.champion)
    scorer = OnnxScorer(champion, dict.fromkeys(Label, 2.0), experiment.n_threads)
    challenger = calibrated_scorer(experiment, space)
    report = compare_rows(
        rows,
        side_of(champion.manifest, rows, score_texts(scorer, rows.texts)[0]),
        side_of(challenger.manifest, rows, stored["dev"]),
        outputs,
        experiment.n_bootstrap,
    )
    functional = {
        "champion": _functional(scorer, champion.manifest),
        "challenger": read_report(space, "behaviour")["languages"],
    }
    report |= _named(champion, fingerprint) | {"functional": functional}
    write_report(space, "versus", report)
    _record(report, tracker)


def side_of(manifest: Manifest, rows: Rows, logits: npt.NDArray[np.floating]) -> Side:
    """Calibrate logits by the arithmetic that serves them."""
    languages = [Language(name) for name in rows.languages.tolist()]
    calibrator = Calibrator(manifest)
    values, _ = calibrator.probabilities(logits.astype(np.float64), languages)
    return Side(values, np.stack([calibrator.thresholds(language) for language in languages]))


def _named(champion: Artifact, fingerprint: str) -> dict[str, Any]:
    """Say which model the champion is, and which of its cells are measured."""
    manifest = champion.manifest
    matrix = manifest.support_matrix
    measured = [
        [language.value, label.value]
        for language in SUPPORTED_LANGUAGES
        for label in manifest.labels
        if matrix.of(language, label) is Support.MEASURED
    ]
    named = {"model_version": manifest.model_version, "manifest": fingerprint}
    return {"champion": named, "measured": measured}


def _functional(scorer: OnnxScorer, manifest: Manifest, folder: Path = CASES) -> dict[str, Any]:
    report: dict[str, Any] = summarise(list(run_cases(scorer, manifest, read_cases(folder))))
    found: dict[str, Any] = report["languages"]
    return found


def _record(report: dict[str, Any], tracker: Tracker) -> None:
    for cell in report["cells"]:
        place = f"versus/{cell['part']}/{cell['language']}/{cell['output']}"
        tracker.metrics(
            {
                f"{place}/{name}": pair["difference"]["value"]
                for name, pair in cell["measures"].items()
            }
        )
        if cell["output"] == VIOLATION:
            pair = cell["measures"]["auc"]
            numbers = f"{pair['champion']:.3f} -> {pair['challenger']:.3f}"
            low, high = pair["difference"]["low"], pair["difference"]["high"]
            say(
                "versus", cell["part"], cell["language"], auc=f"{numbers} [{low:+.3f}, {high:+.3f}]"
            )
    tracker.figure("versus", plots.differences(report["cells"]))
