"""The stages of a trial, and whose a text is."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from triage_ml.domain.guard import GuardLimits
from triage_ml.domain.rollout import RolloutStage, Trial, begin, is_its_own
from triage_ml.errors import Conflict

AT = datetime(2026, 1, 5, tzinfo=UTC)
TRIAL = Trial("b", "a", RolloutStage.CANARY, 0.1, AT, "anna", "x", GuardLimits(), 7)
TEXTS = [f"text {n}" for n in range(4_000)]


def test_a_text_is_always_of_the_same_model():
    """A larger share keeps the texts of a smaller one; another version gets others."""
    small = {text for text in TEXTS if is_its_own(text, "b", 0.1)}
    large = {text for text in TEXTS if is_its_own(text, "b", 0.3)}
    other = {text for text in TEXTS if is_its_own(text, "c", 0.1)}
    assert small == {text for text in TEXTS if is_its_own(text, "b", 0.1)}
    assert small < large
    assert 0.08 < len(small) / len(TEXTS) < 0.12
    assert len(small & other) < 0.3 * len(small)


def test_a_share_of_nothing_and_of_everything():
    assert not any(is_its_own(text, "b", 0.0) for text in TEXTS)
    assert all(is_its_own(text, "b", 1.0) for text in TEXTS)


def test_the_version_on_trial_goes_on_probation_when_it_goes_live():
    """The one before is held beside it."""
    after = TRIAL.after("a", "b", AT, "anna", "good")
    assert (after.stage, after.version, after.against) == (RolloutStage.PROBATION, "a", "b")
    assert (after.watched, after.compared, after.share) == ("b", "a", 0.0)


@pytest.mark.parametrize(
    ("trial", "before", "live"),
    [
        (TRIAL, "a", "c"),
        (TRIAL, None, "b"),
        (replace(TRIAL, limits=GuardLimits(probation_hours=0)), "a", "b"),
        (TRIAL.after("a", "b", AT, "anna", "x"), "b", "a"),
    ],
    ids=["another one", "none before", "no probation", "gone back to by hand"],
)
def test_what_else_goes_live_ends_the_trial(trial, before, live):
    assert trial.after(before, live, AT, "anna", "x").stage is RolloutStage.ENDED


@pytest.mark.parametrize(
    ("asked", "running", "reason"),
    [
        (replace(TRIAL, against=""), None, "nothing to compare"),
        (replace(TRIAL, against="b"), None, "b is live"),
        (replace(TRIAL, version="c"), TRIAL, "b is on trial"),
        (TRIAL, TRIAL.after("a", "b", AT, "anna", "x"), "b is on probation"),
    ],
)
def test_a_trial_that_cannot_begin_says_why(asked, running, reason):
    with pytest.raises(Conflict, match=reason):
        begin(asked, running)


def test_a_stage_follows_another():
    assert begin(TRIAL, replace(TRIAL, stage=RolloutStage.SHADOW, share=0.0)) is TRIAL
