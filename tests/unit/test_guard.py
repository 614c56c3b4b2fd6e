"""The guard of a trial: what breaks a limit, what does not, and how often it errs."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from triage_ml.domain import guard
from triage_ml.domain.guard import Decided, GuardLimits, guard_limits, judge, pace_bucket
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import PolicyInvalid
from triage_ml.policy.guard import load_guard

LIMITS = GuardLimits()
LANGUAGES = ("en", "de", "tr")
LABELS = ("label:hate", "label:harassment", "label:deception_spam")


def broken(tally, decided=(), limits=LIMITS) -> list[tuple[str, str]]:
    found = judge(tally, decided, limits)
    return [(check.name, check.language) for check in found if check.broken]


def pairs(measure: str, language: str, up: int, same: int, down: int) -> dict[guard.Key, int]:
    outcomes = ((guard.UP, up), (guard.SAME, same), (guard.DOWN, down))
    return {(measure, language, how): n for how, n in outcomes}


def test_nothing_counted_breaks_nothing():
    """Nor do too few texts, however bad."""
    assert broken({}) == []
    assert broken({(guard.TRIED, "", guard.FAILED): 49}) == []


def test_a_model_that_fails_is_found():
    """In words with numbers."""
    tally = {(guard.TRIED, "", guard.FAILED): 30, (guard.TRIED, "", guard.OK): 70}
    assert broken(tally) == [("failures", "")]
    words = judge(tally, (), LIMITS)[0].words
    assert words == "30 of 100 texts failed (30.0%; at most 2.0% are allowed)"


def test_fallbacks_of_every_kind_count():
    tally = {(guard.CANARY, "", how): 10 for how in (guard.LATE, guard.BUSY, guard.FAILED)}
    assert broken({**tally, (guard.CANARY, "", guard.ANSWERED): 70}) == [("fallbacks", "")]


def test_alarms_on_everything_are_found_in_the_language_and_as_a_whole():
    """And only where they are."""
    tally = {**pairs("label:hate", "de", 60, 0, 0), **pairs("label:hate", "en", 0, 60, 0)}
    assert broken(tally) == [("more hate", "de"), ("more hate", "")]


def test_urgent_cases_that_a_model_misses_are_found():
    """Fewer are as bad as more."""
    assert ("less T0 or T1", "en") in broken(pairs(guard.URGENT, "en", 0, 400, 40))
    assert ("more T0 or T1", "en") in broken(pairs(guard.URGENT, "en", 60, 400, 0))
    assert broken(pairs(guard.URGENT, "en", 20, 400, 20)) == []


def test_missed_violations_and_false_alarms_are_found_on_decided_cases():
    def rows(upheld: bool, watched: bool, other: bool, n: int) -> Decided:
        return Decided(Language.TR, upheld, watched, other, n)

    missing = [rows(True, False, True, 30), rows(True, True, True, 30)]
    assert ("missed", "tr") in broken({}, missing)
    alarming = [rows(False, True, False, 40), rows(True, True, True, 30)]
    assert ("false alarms", "tr") in broken({}, alarming)
    better = [rows(True, True, False, 30), rows(False, False, True, 30)]
    assert broken({}, better) == []
    watched, other = guard.qualities(missing)
    assert (watched.recall, watched.precision, other.recall) == (0.5, 1.0, 1.0)


def test_a_slow_model_is_found():
    """A quick one that is slower still is not: a report waits for neither."""

    def paces(watched: float, other: float) -> dict[guard.Key, int]:
        return {
            (guard.WATCHED_PACE, "", pace_bucket(watched)): 60,
            (guard.OTHER_PACE, "", pace_bucket(other)): 60,
        }

    assert broken(paces(0.2, 0.01)) == [("slower", "")]
    assert broken(paces(0.02, 0.001)) == []
    assert broken(paces(0.03, 0.01)) == []


def test_arms_are_compared():
    """Cases that were placed high by the one and not by the other."""

    def arms(own: int, live: int) -> dict[guard.Key, int]:
        return {
            (guard.CANARY_ARM, "en", guard.UP): own,
            (guard.CANARY_ARM, "en", guard.SAME): 100 - own,
            (guard.LIVE_ARM, "en", guard.UP): live * 10,
            (guard.LIVE_ARM, "en", guard.SAME): 1_000 - live * 10,
        }

    assert broken(arms(80, 10)) == [("more urgent cases", "")]
    assert broken(arms(0, 60)) == [("fewer urgent cases", "")]
    assert broken(arms(12, 10)) == []


def test_a_model_within_its_limits_is_hardly_ever_rolled_back():
    """It differs from the other one at random; the guard looks 50 times at each of 60 trials."""
    dice = random.Random(3)
    limits = GuardLimits(false_rollbacks=0.05)
    ended = sum(is_ended(dice, limits, more=0.03) for _ in range(60))
    assert ended / 60 <= 0.05


def test_a_model_over_its_limits_is_rolled_back():
    """It alarms on a fifth more of the texts of every language."""
    dice = random.Random(4)
    assert all(is_ended(dice, LIMITS, more=0.3) for _ in range(10))


def is_ended(dice: random.Random, limits: GuardLimits, more: float) -> bool:
    """Simulate a trial; `more` is the share of alarms that only the watched model gives."""
    tally: Counter[guard.Key] = Counter()
    for _ in range(50):
        for _ in range(20):
            language = dice.choice(LANGUAGES)
            for label in LABELS:
                how = dice.choices((guard.UP, guard.DOWN, guard.SAME), (more, 0.02, 0.98 - more))
                tally[label, language, how[0]] += 1
            failed = guard.FAILED if dice.random() < 0.015 else guard.OK
            tally[guard.TRIED, "", failed] += 1
        if broken(tally, limits=limits):
            return True
    return False


def test_limits_are_read_with_defaults():
    assert guard_limits({}) == LIMITS
    assert guard_limits({"missed": 0.2, "min_texts": 5}).min_texts == 5


@pytest.mark.parametrize(
    ("document", "field"),
    [({"mised": 0.1}, "mised"), ({"missed": 2}, "missed"), ({"min_texts": 1.5}, "min_texts")],
)
def test_a_wrong_limit_is_named(document, field):
    with pytest.raises(PolicyInvalid, match=field):
        guard_limits(document)


def test_every_label_has_its_measure():
    """Names of labels are those of the taxonomy."""
    assert all(name.removeprefix(guard.LABEL) in set(Label) for name in LABELS)


def test_a_policy_folder_brings_its_own_limits(tmp_path):
    """What it leaves out, also the file, is as shipped."""
    assert load_guard(tmp_path) == load_guard() == LIMITS
    (tmp_path / "guard.toml").write_text("missed = 0.2\n")
    assert load_guard(tmp_path) == replace(LIMITS, missed=0.2)
    (tmp_path / "guard.toml").write_text("missed = 2\n")
    with pytest.raises(PolicyInvalid, match="missed"):
        load_guard(tmp_path)
    (tmp_path / "guard.toml").write_text("missed = \n")
    with pytest.raises(PolicyInvalid, match=r"guard\.toml"):
        load_guard(tmp_path)
