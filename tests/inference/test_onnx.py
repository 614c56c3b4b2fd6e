import random
from concurrent.futures import ThreadPoolExecutor
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import Label, Language, Support
from triage_ml.errors import ArtifactInvalid, ScoringFailed
from triage_ml.inference.artifact import (
    MODEL,
    POOLED,
    TOKENIZER,
    Artifact,
    write_artifact,
)
from triage_ml.inference.onnx import OnnxScorer, load_scorer
from triage_ml.testing.artifacts import LABELS, N_PLAIN_WORDS, tiny_artifact, tiny_manifest

SEVERITIES = dict.fromkeys(Label, 2.0) | {Label.VIOLENT_THREAT: 3.0}


def sample(n: int, seed: int = 1) -> list[str]:
    """Texts of 1 to 60 known words, some with a label's name."""
    rng = random.Random(seed)
    words = [*(f"w{i}" for i in range(N_PLAIN_WORDS)), *(label.value for label in LABELS)]
    return [" ".join(rng.choices(words, k=rng.randint(1, 60))) for _ in range(n)]


def numbers(scores: LabelScores) -> list[float]:
    return [*(score.probability for score in scores.labels.values()), scores.p_violation]


def test_a_keyword_scores_its_label_and_violation(scorer: OnnxScorer) -> None:
    """The model's logits reach the right labels, calibrated."""
    [found] = scorer.score(["w1 harassment w2"], [Language.EN])
    assert found.labels[Label.HARASSMENT].probability == pytest.approx(1 / (1 + np.exp(-4)))
    assert found.labels[Label.HATE].probability == pytest.approx(1 / (1 + np.exp(4)))
    assert found.p_violation == found.labels[Label.HARASSMENT].probability
    assert (found.language, found.model_version, found.n_windows) == (Language.EN, "tiny-1", 1)


def test_no_texts_give_no_scores(scorer: OnnxScorer) -> None:
    """An empty call is answered without running the model."""
    assert scorer.score([], []) == []


def test_every_text_needs_a_language(scorer: OnnxScorer) -> None:
    """Lists of different length are a mistake of the caller."""
    with pytest.raises(ValueError, match="2 texts, but 1 languages"):
        scorer.score(["w1", "w2"], [Language.EN])


def test_results_keep_the_order_of_the_texts(scorer: OnnxScorer) -> None:
    """Sorting by length inside is not seen outside."""
    texts = [f"{'w1 ' * (40 - i)} {LABELS[i % 3].value}" for i in range(40)]
    found = scorer.score(texts, [Language.EN] * 40)
    tops = [max(s.labels, key=lambda label: s.labels[label].probability) for s in found]
    assert tops == [LABELS[i % 3] for i in range(40)]


def test_alone_equals_batched(artifact: Artifact) -> None:
    """A text's score does not depend on the size of the batch."""
    texts = sample(60)
    languages = [list(Language)[i % 6] for i in range(60)]
    one = OnnxScorer(artifact, SEVERITIES, max_batch_tokens=artifact.manifest.max_tokens)
    many = OnnxScorer(artifact, SEVERITIES, max_batch_tokens=4096)
    batched = many.score(texts, languages)
    alone = [one.score([text], [lang])[0] for text, lang in zip(texts, languages, strict=True)]
    for a, b in zip(alone, batched, strict=True):
        assert numbers(a) == pytest.approx(numbers(b), abs=1e-6)
        assert a.n_windows == b.n_windows


def test_threads_change_nothing(artifact: Artifact) -> None:
    """To the last bit: a batch is made of the same texts whoever runs it."""
    texts = sample(40)
    one, two = (OnnxScorer(artifact, SEVERITIES, n) for n in (1, 2))
    assert one.score(texts, [Language.EN] * 40) == two.score(texts, [Language.EN] * 40)


@pytest.mark.parametrize("position", [0, 12, 13, 50, 99])
def test_a_long_text_is_read_to_the_end(scorer: OnnxScorer, position: int) -> None:
    """A keyword counts wherever it stands in a text of several windows."""
    words = ["w1"] * 100
    words[position] = "hate"
    [found] = scorer.score([" ".join(words)], [Language.EN])
    assert found.n_windows == 11
    assert found.labels[Label.HATE].probability > 0.9


def test_a_long_text_scores_as_its_worst_window(scorer: OnnxScorer) -> None:
    """Per output the highest window counts, so harmless text around changes nothing."""
    [short, long] = scorer.score(["hate", "hate " + "w1 " * 200], [Language.EN] * 2)
    assert numbers(long) == pytest.approx(numbers(short), abs=1e-6)


def test_batched_calibration_is_that_of_the_manifest(artifact: Artifact) -> None:
    """The arrays and `Calibration.probability` are one formula, also for the bound."""
    scorer = OnnxScorer(artifact, SEVERITIES)
    for language in Language:
        [found] = scorer.score(["hate"], [language])
        calibration = artifact.manifest.calibration_of("hate", language)
        hate = found.labels[Label.HATE]
        assert hate.probability == pytest.approx(calibration.probability(4.0))
        shift = 0.0 if hate.support is Support.MEASURED else 1.0
        assert hate.upper == pytest.approx(calibration.probability(4.0, shift))


def test_an_undetermined_language_is_unsupported_everywhere(scorer: OnnxScorer) -> None:
    """It uses the pooled calibration, and no cell of it counts as measured."""
    [found] = scorer.score(["hate"], [Language.UND])
    assert {score.support for score in found.labels.values()} == {Support.UNSUPPORTED}
    pooled = 1 / (1 + np.exp(-(0.8 * 4 - 0.5)))
    assert found.labels[Label.HATE].probability == pytest.approx(pooled)


def test_only_cells_that_are_not_measured_have_a_higher_bound(scorer: OnnxScorer) -> None:
    """Measured: the bound is the probability. Functional and unsupported: it is higher."""
    english, german = scorer.score(["w1", "w1"], [Language.EN, Language.DE])
    assert all(s.upper == s.probability for s in english.labels.values())
    assert all(s.upper > s.probability for s in german.labels.values())
    assert german.labels[Label.HATE].support is Support.FUNCTIONAL


def test_a_negative_shift_is_refused(tmp_path: Path) -> None:
    """An upper bound under the probability would sink a case."""
    outputs = "hate", "harassment", "violent_threat", "violation"
    shifts = {output: {POOLED: -2.0} for output in outputs}
    with pytest.raises(ArtifactInvalid, match="upper_shift"):
        tiny_artifact(tmp_path, {"upper_shift": shifts})


def test_severity_is_that_of_the_window_that_speaks_for_the_label(scorer: OnnxScorer) -> None:
    """A benign stretch of a long text does not set the severity of another one."""
    text = " ".join(["w1"] * 30 + ["violent_threat"] + ["w2"] * 30)
    [found] = scorer.score([text], [Language.EN])
    assert found.labels[Label.VIOLENT_THREAT].severity == pytest.approx(
        4 / (1 + np.exp(-4)), abs=1e-4
    )


def test_severity_is_learned_or_typical(scorer: OnnxScorer) -> None:
    """The model's severity stands for the labels of the manifest, the policy's for the others."""
    plain, threat = scorer.score(["w1", "w1 violent_threat"], [Language.EN] * 2)
    low, high = 4 / (1 + np.exp(4)), 4 / (1 + np.exp(-4))
    assert plain.labels[Label.VIOLENT_THREAT].severity == pytest.approx(low, rel=1e-3)
    assert threat.labels[Label.VIOLENT_THREAT].severity == pytest.approx(high, rel=1e-3)
    assert threat.labels[Label.HATE].severity == 2.0


def test_highlights_the_words_that_speak_for_a_label(scorer: OnnxScorer) -> None:
    """Labels over their threshold point at words of the original text, others at none."""
    text = "w1  w2 ha\u200bte w3 w4"
    [found] = scorer.score([text], [Language.EN])
    [span] = found.labels[Label.HATE].spans
    assert text[span.start : span.end] == "ha\u200bte"
    assert span.weight > 0.9
    assert found.labels[Label.HARASSMENT].spans == ()


def test_highlights_in_every_window(scorer: OnnxScorer) -> None:
    """Words anywhere in a long text are found, once each."""
    text = " ".join(["hate", *["w1"] * 30, "harassment", *["w2"] * 30, "hate"])
    [found] = scorer.score([text], [Language.EN])
    spans = found.labels[Label.HATE].spans
    assert [text[s.start : s.end] for s in spans] == ["hate", "harassment", "hate"]


def test_a_model_without_rationale_highlights_nothing(tmp_path: Path) -> None:
    """No threshold for marks, no hints."""
    scorer = OnnxScorer(tiny_artifact(tmp_path, {"mark_threshold": None}), SEVERITIES)
    [found] = scorer.score(["hate"], [Language.EN])
    assert found.labels[Label.HATE].spans == ()


@pytest.mark.parametrize("logit", [nan, float("inf"), float("-inf")])
def test_a_logit_that_is_not_finite_is_refused(tmp_path: Path, logit: float) -> None:
    """A broken model gives an error, never a number."""
    scorer = OnnxScorer(tiny_artifact(tmp_path, rest_logit=logit), SEVERITIES)
    with pytest.raises(ScoringFailed, match="not a finite number"):
        scorer.score(["w1"], [Language.EN])


def test_a_broken_logit_of_one_text_fails_the_whole_call(
    artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no partial answer that could pass for a whole one."""
    scorer = OnnxScorer(artifact, SEVERITIES, max_batch_tokens=512)
    monkeypatch.setattr(scorer, "_session", _Nan(scorer._session))
    with pytest.raises(ScoringFailed):
        scorer.score(["w1", "w2", "w3"], [Language.EN] * 3)


class _Nan:
    """A session that spoils one logit of each batch."""

    def __init__(self, session: Any) -> None:
        self.session = session

    def run(self, names: None, feed: dict[str, Any]) -> list[Any]:
        logits, *rest = self.session.run(names, feed)
        logits[-1, 0] = nan
        return [logits, *rest]


def test_a_wrong_number_of_outputs_is_refused(tmp_path: Path) -> None:
    """Columns that do not match the manifest's labels are not guessed at."""
    scorer = OnnxScorer(tiny_artifact(tmp_path, n_outputs=6), SEVERITIES)
    with pytest.raises(ScoringFailed, match=r"shape \(1, 6\) instead of \(1, 4\)"):
        scorer.score(["w1"], [Language.EN])


def test_an_error_of_the_runtime_is_a_scoring_failure(
    scorer: OnnxScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callers handle one kind of error, and its message holds no text."""

    class Broken:
        def run(self, names: None, feed: object) -> None:
            raise RuntimeError("secret words")

    monkeypatch.setattr(scorer, "_session", Broken())
    with pytest.raises(ScoringFailed, match="runtime failed: RuntimeError") as caught:
        scorer.score(["w1"], [Language.EN])
    assert "secret" not in str(caught.value)


def test_threads_share_a_scorer(scorer: OnnxScorer) -> None:
    """Calls from several threads at once give what they give alone."""
    chunks = [sample(12, seed) for seed in range(8)]
    wanted = [scorer.score(chunk, [Language.TR] * 12) for chunk in chunks]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda chunk: scorer.score(chunk, [Language.TR] * 12), chunks))
    assert found == wanted


def test_a_budget_under_one_window_is_refused(artifact: Artifact) -> None:
    """A batch that holds no whole window could not keep its promise."""
    with pytest.raises(ValueError, match="at least 16"):
        OnnxScorer(artifact, SEVERITIES, max_batch_tokens=15)


def test_info_says_what_the_manifest_says(scorer: OnnxScorer) -> None:
    """Version, labels, support, card and quality go through unchanged."""
    info = scorer.info
    assert (info.version, info.labels) == ("tiny-1", LABELS)
    assert info.support.of(Language.EN, Label.HATE) is Support.MEASURED
    assert info.card.startswith("# Tiny")
    assert info.quality["en"]["violation"]["auc"] == 0.9


def test_a_folder_loads_into_a_scorer(folder: Path) -> None:
    """Loading verifies, opens and runs the model once."""
    assert load_scorer(folder, SEVERITIES).info.version == "tiny-1"


def test_a_model_that_cannot_score_does_not_load(tmp_path: Path) -> None:
    """A broken model is found at the start, not at the first report."""
    tiny_artifact(tmp_path, rest_logit=nan)
    with pytest.raises(ArtifactInvalid, match="not a finite number"):
        load_scorer(tmp_path, SEVERITIES)


def rewritten(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    write_artifact(folder, tiny_manifest())
    return folder


@pytest.mark.parametrize(("name", "part"), [(MODEL, "model"), (TOKENIZER, "tokenizer")])
def test_a_file_of_the_wrong_kind_does_not_load(folder: Path, name: str, part: str) -> None:
    """The checksum can be right and the content still no model or tokenizer."""
    with pytest.raises(ArtifactInvalid, match=f"{part}: "):
        load_scorer(rewritten(folder, name, b"not that"), SEVERITIES)


def test_a_model_with_other_inputs_does_not_load(folder: Path) -> None:
    """The error names the inputs that were found."""
    import onnx

    graph = onnx.load(folder / MODEL)
    graph.graph.input[0].name = "tokens"
    graph.graph.node[0].input[1] = "tokens"
    with pytest.raises(ArtifactInvalid, match="inputs are attention_mask, ngrams, tokens"):
        load_scorer(rewritten(folder, MODEL, graph.SerializeToString()), SEVERITIES)
