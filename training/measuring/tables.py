"""Tables of a snapshot and of a finished experiment, as data frames, for the notebooks.

No table holds a text unless it is asked to.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from datasets import Dataset
from tokenizers import Tokenizer

from training.corpora.readers import SOURCES
from training.corpora.sources import OUTPUTS
from training.measuring.evaluate import MIN_CELL_ROWS, rows_of_cell
from training.measuring.measured import Bools, Floats, Scored
from training.metrics import auc, calibration_error, sigmoid
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, VIOLATION, Label, Language
from triage_ml.inference.artifact import Manifest

TOKENISED_AT_ONCE = 2_000
LENGTHS = (0, 12, 24, 48, 96, 10_000)
NONE = "(none)"
DISGUISE_COLUMNS = ["kind", "language", "n_texts", "drop", "drop_low", "drop_high", "evasion"]

Ints = npt.NDArray[np.intp]


def count_labels(summary: Mapping[str, Any]) -> pd.DataFrame:
    """Count decided rows by split, language, source, output and value.

    A text that two corpora hold counts for both.
    """
    rows = [(*place.split("/"), n) for place, n in summary["counts"].items()]
    names = ["split", "language", "source", "output", "value", "n"]
    return pd.DataFrame(rows, columns=names).astype({"value": int, "n": int})


def describe_rows(snapshot: Dataset, tokenizer: Tokenizer) -> pd.DataFrame:
    """Give language, source, split, tokens of the bare text and origin of every example."""
    written = {source.name for source in SOURCES if source.written}
    sources = list(snapshot["sources"])
    return pd.DataFrame(
        {
            "language": snapshot["language"],
            "source": [names[0] for names in sources],
            "split": snapshot["split"],
            "n_sources": [len(names) for names in sources],
            "n_tokens": _count_tokens(snapshot, tokenizer),
            "written": [not written.isdisjoint(names) for names in sources],
            "has_spans": snapshot["has_spans"],
        }
    )


def count_origins(snapshot: Dataset) -> pd.DataFrame:
    """Count, per language and output, who says what: raters, weak sources, nobody.

    `assumed` is undecided but taken as absent with a low weight in training.
    """
    arrays = snapshot.with_format("numpy")
    decided = np.asarray(arrays["labels"]) >= 0  # (N, outputs)
    weak = np.asarray(arrays["weak"], np.bool_)
    languages = np.asarray(snapshot["language"])
    kinds = {
        "rater": decided & ~weak,
        "weak": decided & weak,
        "assumed": ~decided & weak,
        "unknown": ~decided & ~weak,
    }
    rows = [
        {"language": str(language), "output": output}
        | {kind: int(found[languages == language, i].sum()) for kind, found in kinds.items()}
        for language in np.unique(languages)
        for i, output in enumerate(OUTPUTS)
    ]
    return pd.DataFrame(rows)


def rows_of_output(scored: Scored, output: str) -> Ints:
    """Find the rows an output is measured on, in every language."""
    return np.concatenate([_none(), *(rows for _, name, rows in _cells(scored) if name == output)])


def truth_of(scored: Scored, output: str, rows: Ints) -> Bools:
    found: Bools = scored.rows.labels[rows, scored.outputs.index(output)] == 1
    return found


def calibration_table(scored: Scored) -> pd.DataFrame:
    """Give the expected calibration error of every cell before and after calibration."""
    rows = []
    for language, output, chosen in _cells(scored):
        column, truth = scored.outputs.index(output), truth_of(scored, output, chosen)
        rows.append(
            {
                "language": language,
                "output": output,
                "n_positive": int(truth.sum()),
                "n_negative": int((~truth).sum()),
                "before": calibration_error(truth, scored.uncalibrated[chosen, column]),
                "after": calibration_error(truth, scored.probabilities[chosen, column]),
            }
        )
    return pd.DataFrame(rows)


def bound_table(scored: Scored, manifest: Manifest) -> pd.DataFrame:
    """Give what the upper bound would do in each cell, were it not measured.

    `missed` is the share of true rows under one half, `alarms` of the others at or over it.
    """
    rows = []
    for language, output, chosen in _cells(scored):
        probabilities = scored.probabilities[chosen, scored.outputs.index(output)]
        truth = truth_of(scored, output, chosen)
        shift = manifest.upper_shift_of(output, Language(language))
        bounded = sigmoid(np.array(-shift))  # what one half is before the shift
        rows.append(
            {
                "language": language,
                "output": output,
                "support": _support(manifest, language, output),
                "shift": shift,
                "missed": (probabilities[truth] < 0.5).mean(),
                "missed_by_bound": (probabilities[truth] < bounded).mean(),
                "alarms": (probabilities[~truth] >= 0.5).mean(),
                "alarms_by_bound": (probabilities[~truth] >= bounded).mean(),
            }
        )
    return pd.DataFrame(rows)


def cell_table(evaluate: Mapping[str, Any]) -> pd.DataFrame:
    """Arrange the cells of `evaluate.json`, the worst AUC first.

    `gain` is the AUC over the best baseline, NaN where none was measured.
    """
    rows = [
        {
            "language": cell["language"],
            "output": cell["output"],
            "n_positive": cell["n_positive"],
            "auc": cell["auc"]["value"],
            "auc_low": cell["auc"]["low"],
            "auc_high": cell["auc"]["high"],
            "gain": min((gain["value"] for gain in cell["gains"].values()), default=np.nan),
            "calibration_error": cell["calibration_error"],
        }
        for cell in evaluate["cells"]
    ]
    return pd.DataFrame(rows).sort_values("auc", ignore_index=True)


def confusions(scored: Scored) -> pd.DataFrame:
    """Give how often rows of one label (down) are flagged as another (across).

    Off the diagonal only rows count that are known not to have the other label; on it stands the
    share that was found. The last row is of texts that are known to violate nothing.
    """
    present = scored.rows.firm & (scored.rows.labels == 1)
    absent = scored.rows.firm & (scored.rows.labels == 0)
    at = {output: i for i, output in enumerate(scored.outputs)}
    groups = {output: present[:, i] for output, i in at.items()}
    groups[NONE] = absent[:, at[VIOLATION]]

    def share(group: str, output: str) -> float:
        inside = groups[group] if group == output else groups[group] & absent[:, at[output]]
        return _share(scored.flagged[:, at[output]], inside)

    table = {group: {output: share(group, output) for output in at} for group in groups}
    return pd.DataFrame.from_dict(table, orient="index", columns=list(scored.outputs))


def error_rates(scored: Scored, output: str, groups: npt.NDArray[np.str_]) -> pd.DataFrame:
    """Give the share missed, the share of false alarms and the AUC inside each group of rows."""
    column = scored.outputs.index(output)
    decided = scored.rows.firm[:, column]
    truth = scored.rows.labels[:, column] == 1
    flagged, probabilities = scored.flagged[:, column], scored.probabilities[:, column]
    rows = []
    for group in np.unique(groups[decided]):
        inside = decided & (groups == group)
        both = min((truth & inside).sum(), (~truth & inside).sum()) >= MIN_CELL_ROWS
        rows.append(
            {
                "group": str(group),
                "n_positive": int((truth & inside).sum()),
                "n_negative": int((~truth & inside).sum()),
                "missed": _share(~flagged, truth & inside),
                "false_alarms": _share(flagged, ~truth & inside),
                "auc": auc(truth[inside], probabilities[inside]) if both else np.nan,
            }
        )
    return pd.DataFrame(rows)


def length_bands(scored: Scored) -> npt.NDArray[np.str_]:
    """Name each row's band of length, such that names sort as lengths do."""
    names = np.array([f"{low:>3} to {high - 1:>4} tokens" for low, high in pairwise(LENGTHS)])
    found: npt.NDArray[np.str_] = names[np.digitize(scored.lengths, LENGTHS[1:-1])]
    return found


def mistakes(scored: Scored, output: str, *, show_texts: bool = False) -> pd.DataFrame:
    """List the rows on the wrong side of the threshold, the surest mistake first.

    `distance` is how far, in logits, the probability is from the threshold.
    """
    column = scored.outputs.index(output)
    truth = scored.rows.labels[:, column] == 1
    rows = np.flatnonzero(scored.rows.firm[:, column] & (scored.flagged[:, column] != truth))
    probabilities, thresholds = (a[rows, column] for a in (scored.probabilities, scored.thresholds))
    columns = {
        "key": [scored.keys[i] for i in rows.tolist()],
        "language": scored.rows.languages[rows],
        "source": scored.rows.sources[rows],
        "truth": truth[rows],
        "probability": probabilities,
        "distance": np.abs(_logit(probabilities) - _logit(thresholds)),
        "n_tokens": scored.lengths[rows],
    }
    if show_texts:
        columns["text"] = [scored.rows.texts[i] for i in rows.tolist()]
    return pd.DataFrame(columns).sort_values("distance", ascending=False, ignore_index=True)


def disguise_table(robustness: Mapping[str, Any]) -> pd.DataFrame:
    """Arrange the cells of `robustness.json`, the dearest disguise first."""
    rows = [
        {
            "kind": cell["kind"],
            "language": cell["language"],
            "n_texts": cell["n_texts"],
            "drop": cell["drop"]["value"],
            "drop_low": cell["drop"]["low"],
            "drop_high": cell["drop"]["high"],
            "evasion": cell["evasion"]["value"],
        }
        for cell in robustness["cells"]
    ]
    table = pd.DataFrame(rows, columns=DISGUISE_COLUMNS)
    return table.sort_values("drop", ascending=False, ignore_index=True)


def _cells(scored: Scored) -> Iterator[tuple[str, str, Ints]]:
    """Give language, output and rows of each cell with enough rows of both kinds."""
    for language in SUPPORTED_LANGUAGES:
        for column, output in enumerate(scored.outputs):
            rows = rows_of_cell(scored.rows, column, language.value)
            n_positive = int(truth_of(scored, output, rows).sum())
            if min(n_positive, len(rows) - n_positive) >= MIN_CELL_ROWS:
                yield language.value, output, rows


def _count_tokens(snapshot: Dataset, tokenizer: Tokenizer) -> Ints:
    counts: list[int] = []
    for part in snapshot.select_columns("text").iter(TOKENISED_AT_ONCE):
        encodings = tokenizer.encode_batch_fast(part["text"], add_special_tokens=False)
        counts += [len(encoding.ids) for encoding in encodings]
    return np.array(counts, np.intp)


def _support(manifest: Manifest, language: str, output: str) -> str:
    if output == VIOLATION:
        return "measured"
    return manifest.support_matrix.of(Language(language), Label(output)).value


def _share(hit: Bools, inside: Bools) -> float:
    """Give the share of rows hit, or NaN where there are too few."""
    return float(hit[inside].mean()) if inside.sum() >= MIN_CELL_ROWS else float("nan")


def _logit(probabilities: Floats) -> Floats:
    kept = np.clip(probabilities, 1e-9, 1 - 1e-9)
    found: Floats = np.log(kept / (1 - kept))
    return found


def _none() -> Ints:
    return np.empty(0, np.intp)
