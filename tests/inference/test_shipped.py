"""The artifact that comes with the package."""

import pytest

from triage_ml.domain.taxonomy import Label, Language, Support
from triage_ml.inference.artifact import MANIFEST, SHIPPED
from triage_ml.inference.onnx import OnnxScorer, load_scorer

pytestmark = pytest.mark.skipif(
    not (SHIPPED / MANIFEST).is_file(), reason="no artifact in triage_ml/models/current"
)

SAME = 0.002
"""Of a probability. Floats of a logit agree to 1e-6; that may tip one rounding to 8 bits."""

PLAIN = [
    ("The bakery on the corner opens at seven.", Language.EN),
    ("Bitte stellt die Stühle zurück.", Language.DE),
    ("Köşedeki fırın saat yedide açılıyor.", Language.TR),
    ("La panadería de la esquina abre a las siete.", Language.ES),
    ("모퉁이 빵집은 일곱 시에 엽니다.", Language.KO),
]


@pytest.fixture(scope="module")
def shipped() -> OnnxScorer:
    return load_scorer(SHIPPED, dict.fromkeys(Label, 2.0))


@pytest.mark.parametrize(("text", "language"), PLAIN)
def test_a_sober_sentence_is_no_violation(
    shipped: OnnxScorer, text: str, language: Language
) -> None:
    """In each language, opening hours and chairs are harmless."""
    [found] = shipped.score([text], [language])
    assert found.p_violation < 0.5


def test_every_language_has_a_measured_label(shipped: OnnxScorer) -> None:
    """What is shipped was measured in all five languages, and says where not."""
    support = shipped.info.support
    for _, language in PLAIN:
        cells = {support.of(language, label) for label in shipped.info.labels}
        assert Support.MEASURED in cells


def test_a_long_text_is_scored_in_windows(shipped: OnnxScorer) -> None:
    """A text of several thousand words is read to the end."""
    [found] = shipped.score([f"{PLAIN[0][0]} " * 100], [Language.EN])
    assert found.n_windows > 5


def test_neighbours_do_not_move_a_score(shipped: OnnxScorer) -> None:
    """In one batch, padded to the longest, each text scores as it does alone."""
    texts = [f"{text} " * n for n, (text, _) in enumerate(PLAIN, 1)]
    languages = [language for _, language in PLAIN]
    together = shipped.score(texts, languages)
    for text, language, beside in zip(texts, languages, together, strict=True):
        [alone] = shipped.score([text], [language])
        assert alone.p_violation == pytest.approx(beside.p_violation, abs=SAME)
        for label, score in alone.labels.items():
            assert score.probability == pytest.approx(beside.labels[label].probability, abs=SAME)
