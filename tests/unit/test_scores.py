"""Scores: which probability may be used, and what stays when an item changes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import make_score, make_scores
from triage_ml.domain.scores import LabelScores, Span, keep_worst
from triage_ml.domain.taxonomy import (
    HEADS,
    SUPPORTED_LANGUAGES,
    Label,
    Language,
    Support,
    SupportMatrix,
)

shares = st.floats(0, 1)


def test_only_a_measured_probability_is_trusted() -> None:
    """Functional and unsupported cells are used by their upper bound."""
    assert make_score(0.2, support=Support.MEASURED, upper=0.6).trusted == 0.2
    assert make_score(0.2, support=Support.FUNCTIONAL, upper=0.6).trusted == 0.6
    assert make_score(0.2, support=Support.UNSUPPORTED, upper=0.6).trusted == 0.6


def test_a_label_that_was_not_scored_is_unsupported() -> None:
    """Scores may carry fewer labels than the taxonomy has."""
    assert make_scores().support(Label.HATE) is Support.MEASURED
    assert make_scores().support(Label.CIVIC_MISINFO) is Support.UNSUPPORTED


@given(shares, shares, st.floats(0, 4), st.floats(0, 4), shares, shares)
def test_an_edited_item_never_sinks(
    old: float, new: float, old_severity: float, new_severity: float, p_old: float, p_new: float
) -> None:
    """Joining keeps the highest probability, severity and violation, in both directions."""
    first = make_scores({Label.HATE: make_score(old, old_severity)}, p_violation=p_old)
    second = make_scores({Label.HATE: make_score(new, new_severity)}, p_violation=p_new)
    joined = keep_worst(first, second)
    hate = joined.labels[Label.HATE]
    assert hate.trusted == max(old, new)
    assert hate.severity == max(old_severity, new_severity)
    assert joined.p_violation == max(p_old, p_new)


def test_joined_scores_name_each_model_once_the_newest_last() -> None:
    """However often an item is edited, and whichever of two models on a trial answers."""
    joined = make_scores(model_version="a")
    for version in ("b", "b", "a", "a", "b"):
        joined = keep_worst(joined, make_scores(model_version=version))
    assert joined.model_version == "a+b"


def test_spans_of_an_older_text_are_dropped() -> None:
    """Marks of a text that is no longer shown would mark the wrong words."""
    marked = replace(make_score(0.9), spans=(Span(0, 4, 1.0),))
    only_old = replace(make_score(0.3), spans=(Span(0, 4, 1.0),))
    old = make_scores({Label.HATE: marked, Label.CIVIC_MISINFO: only_old})
    joined = keep_worst(old, make_scores())
    assert joined.labels[Label.HATE] == replace(marked, spans=())
    assert joined.labels[Label.CIVIC_MISINFO] == replace(only_old, spans=())
    assert keep_worst(make_scores(), old).labels[Label.HATE] == marked


def test_a_new_model_does_not_make_an_older_text_forgotten() -> None:
    """The worse of both stays, and both models are named."""
    old = make_scores({Label.HATE: make_score(0.9)}, model_version="m-1")
    new = make_scores(model_version="m-2")
    joined = keep_worst(old, new)
    assert joined.labels[Label.HATE].trusted == 0.9
    assert joined.model_version == "m-1+m-2"
    assert keep_worst(None, new) == new


def test_the_longest_scoring_is_remembered() -> None:
    """n_windows is that of the longer version."""
    assert keep_worst(replace(make_scores(), n_windows=3), make_scores()).n_windows == 3


def test_a_support_matrix_survives_being_written() -> None:
    """as_nested and from_nested are inverse, with every cell spelled out."""
    matrix = SupportMatrix({(Language.TR, Label.HATE): Support.MEASURED})
    nested = matrix.as_nested()
    again = SupportMatrix.from_nested(nested)
    assert set(nested) == set(SUPPORTED_LANGUAGES)
    assert again.as_nested() == nested
    assert again.of(Language.TR, Label.HATE) is Support.MEASURED
    assert again.of(Language.UND, Label.HATE) is Support.UNSUPPORTED


def test_a_support_matrix_refuses_unknown_names() -> None:
    """A misspelt label, language or support is an error, not an unsupported cell."""
    for wrong in ({"tr": {"rude": "measured"}}, {"xx": {}, "fr": {"hate": "measured"}}):
        with pytest.raises(ValueError, match="is not a valid"):
            SupportMatrix.from_nested(wrong)
    with pytest.raises(ValueError, match="is not a valid Support"):
        SupportMatrix.from_nested({"tr": {"hate": "sure"}})


def test_heads_are_the_first_labels_in_order() -> None:
    """The model's output order is part of its contract."""
    assert list(HEADS) == list(Label)[:10]
    assert Label.PROFANITY in HEADS
    assert isinstance(make_scores(), LabelScores)
