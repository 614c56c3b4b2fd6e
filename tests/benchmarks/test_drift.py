"""The alarm is neither blind nor noisy; the whole measurement is docs/performance/drift.md."""

import json

import numpy as np
import pytest

from benchmarks.drift.pool import USUAL, load, made_up
from benchmarks.drift.report import QUIET, Row, page
from benchmarks.drift.trial import Outcome, watch
from benchmarks.drift.world import FIRST, MODEL, Shift, World, columns_of
from triage_ml.domain.drift import WATCHED_HEADS, DayTally, ScoredText
from triage_ml.domain.drift_ledger import Key
from triage_ml.domain.taxonomy import Label, Language

POOLS = made_up()


def test_a_simulated_day_adds_up_as_a_counted_one_does():
    """What is simulated fast is what the worker counts."""
    pool = POOLS[Language.TR, USUAL]
    tally = DayTally(FIRST)
    tally.add_scores(
        [
            ScoredText(
                Language.TR,
                int(pool.n_chars[at]),
                MODEL,
                pool.p_violation[at],
                dict(zip(WATCHED_HEADS, pool.labels[at], strict=True)),
            )
            for at in range(50)
        ]
    )
    tally.add_texts(Language.TR, pool.vectors[:50])
    columns = columns_of(pool, 1.0)
    rows = tally.rows()
    assert len(rows) == len(columns)
    for row in rows:
        fast = columns[row.sums_of, row.model_version][:50].sum(axis=0)
        assert row.sums == pytest.approx(fast)


def test_a_history_is_the_same_for_the_same_seed():
    world = World(POOLS, n_texts=200, n_days=3)
    assert list(world.days(QUIET, 5)) == list(world.days(QUIET, 5))
    assert list(world.days(QUIET, 5)) != list(world.days(QUIET, 6))


def test_quiet_months_stay_quiet():
    """Six months; the rule promises an alarm in at most one of twenty."""
    world = World(POOLS, n_texts=1_000, n_drawn=40, n_days=58)
    assert sum(bool(watch(world, QUIET, seed).first) for seed in range(6)) <= 1


@pytest.mark.parametrize(
    ("shift", "measure", "within"),
    [
        (Shift("spam", Language.TR, 0.5), "score:deception_spam", 4),
        (Shift("mix", Language.TR, 2.0), "language", 7),
        (Shift("length", Language.DE, 1.5), "length", 5),
        (Shift("slang", Language.KO, 1.0), "content", 7),
        (Shift("calibration", Language.EN, 0.3), "calibration", 14),
        (Shift("label", Language.EN, 4.0, label=Label.DECEPTION_SPAM), "found:deception_spam", 28),
    ],
    ids=lambda value: value.kind if isinstance(value, Shift) else None,
)
def test_what_is_put_in_is_seen(shift, measure, within):
    """By the measure that it is about, in its language."""
    world = World(POOLS, n_texts=1_500, n_drawn=150, n_days=shift.day + within)
    found = watch(world, shift, seed=11)
    key = Key(measure, shift.language.value)
    assert key in found.first, found.first
    assert found.first[key] - shift.day + 1 <= within


def test_a_delay_is_counted_from_the_first_changed_day():
    found = Outcome({Key("length", "de"): 36, Key("score", "en"): 35, Key("flagged", "de"): 20})
    assert found.delay(Shift("length", Language.DE, 2.0)) == 2
    assert found.delay(Shift("length", Language.TR, 2.0)) is None


def test_without_corpora_texts_are_made_up(tmp_path):
    pools = load(tmp_path, tmp_path / "pool.npz")
    assert np.array_equal(
        pools[Language.EN, USUAL].p_violation, POOLS[Language.EN, USUAL].p_violation
    )


def test_the_page_counts_what_was_simulated():
    quiet = [Row(500, "none", "tr", 0.0, seed) for seed in range(4)]
    noisy = Row(500, "none", "tr", 0.0, 4, None, ("length tr",))
    seen = [Row(500, "spam", "tr", 0.3, seed, 3, ("content tr",)) for seed in range(9)]
    missed = Row(500, "spam", "tr", 0.3, 9)
    text = page([*quiet, noisy, *seen, missed], real=False)
    assert "| 500 | 5 | 1 | 3.6% to 62.4% | length tr |" in text
    assert "30% of Turkish texts are a wave of real spam | 500 | 10 | 9 | 3 | 3 |" in text
    assert Row(**json.loads(json.dumps(missed.as_json()))).name == missed.name
