"""What is worth a label, and how the picks of a day are shared out."""

import random
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import make_score, make_scores, shipped_policy
from tests.unit.test_policy import shipped_documents
from triage_ml.domain.labelling import (
    MAX_OF_A_GROUP,
    Candidate,
    Group,
    LabellingPolicy,
    Strategy,
    choose,
    entropy,
    group_alike,
    language_needs,
    news_of,
)
from triage_ml.domain.policy import parse_policy
from triage_ml.domain.sketch import sketch_of
from triage_ml.domain.taxonomy import Label, Language, Support
from triage_ml.errors import PolicyInvalid

HATE, SPAM = Label.HATE, Label.DECEPTION_SPAM
LABELS = (HATE, Label.HARASSMENT, SPAM)


def candidate(n, p=0.1, *, language=Language.EN, label=HATE, support=Support.MEASURED, **more):
    every = {head: make_score(0.01, support=support) for head in LABELS}
    every[label] = make_score(p, support=support)
    p_violation = more.pop("p_violation", p)
    scores = make_scores(every, language=language, p_violation=p_violation)
    return Candidate(UUID(int=n), scores, more.pop("reported", {}), **more)


def picks_of(cases, n_ranked, n_random=0, seed=1, **more):
    return choose(cases, n_ranked, n_random, LABELS, random.Random(seed), **more)


def only(strategy):
    return {"mix": {strategy: 1.0}}


def test_the_case_that_the_model_can_least_tell_comes_first():
    cases = [candidate(n, p) for n, p in enumerate([0.02, 0.97, 0.45, 0.2])]
    picks = picks_of(cases, 2, **only(Strategy.UNCERTAINTY))
    assert [pick.case_id.int for pick in picks] == [2, 3]
    assert (picks[0].label, picks[0].strategy) == (HATE, Strategy.UNCERTAINTY)
    assert picks[0].score == pytest.approx(entropy(0.45))


def test_what_the_model_is_sure_of_is_worth_no_label_and_chance_takes_the_place():
    picks = picks_of([candidate(n, 0.01) for n in range(9)], 3, **only(Strategy.UNCERTAINTY))
    assert {pick.strategy for pick in picks} == {Strategy.RANDOM}
    assert {pick.chance for pick in picks} == {3 / 9}


def test_a_cell_that_is_not_measured_gets_two_picks_for_one_that_is():
    sure = [candidate(n, 0.5) for n in range(50)]
    doubtful = [
        candidate(n, 0.5, language=Language.KO, support=Support.FUNCTIONAL) for n in range(50, 99)
    ]
    found = Counter(p.language for p in picks_of([*sure, *doubtful], 30))
    assert found == {Language.EN: 10, Language.KO: 20}
    assert language_needs([*sure, *doubtful], LABELS) == {Language.EN: 1.0, Language.KO: 2.0}


def test_labels_take_turns_so_that_a_frequent_one_does_not_crowd_out_a_rare_one():
    frequent = [candidate(n, 0.5) for n in range(50)]
    rare = [candidate(n, 0.3, label=SPAM) for n in range(50, 60)]
    picks = picks_of([*frequent, *rare], 10, **only(Strategy.UNCERTAINTY))
    assert Counter(pick.label for pick in picks) == {HATE: 5, SPAM: 5}


def test_a_model_on_trial_that_says_otherwise_is_a_disagreement():
    calm = make_scores({HATE: make_score(0.9)})
    cases = [candidate(n, 0.1) for n in range(5)] + [candidate(9, 0.1, challenger=calm)]
    [pick] = picks_of(cases, 1, **only(Strategy.DISAGREEMENT))
    assert (pick.case_id.int, pick.label) == (9, HATE)
    assert pick.score == pytest.approx(0.8)


def test_a_report_against_a_measured_label_is_a_disagreement():
    cases = [candidate(1, 0.02), candidate(2, 0.02, reported={HATE: 0.8})]
    [pick] = picks_of(cases, 1, **only(Strategy.DISAGREEMENT))
    assert (pick.case_id.int, pick.label) == (2, HATE)


def test_a_violation_without_a_label_is_a_disagreement():
    cases = [candidate(1, 0.1), candidate(2, 0.1, p_violation=0.9)]
    [pick] = picks_of(cases, 1, **only(Strategy.DISAGREEMENT))
    assert (pick.case_id.int, pick.label) == (2, None)


def test_of_a_group_of_like_texts_only_two_are_ranked():
    group = Group("g", 0.9)
    cases = [candidate(n, 0.02, group=group) for n in range(9)]
    cases += [candidate(n, 0.4) for n in range(9, 20)]
    mix = {Strategy.UNCERTAINTY: 0.5, Strategy.CLUSTER: 0.5}
    picks = picks_of(cases, 10, mix=mix)
    assert sum(pick.case_id.int < 9 for pick in picks) == MAX_OF_A_GROUP
    assert Counter(p.strategy for p in picks) == {Strategy.UNCERTAINTY: 8, Strategy.CLUSTER: 2}


def test_picks_of_a_group_from_earlier_in_the_day_count():
    cases = [candidate(n, 0.5, group=Group("g", 0.9, n_chosen=1)) for n in range(9)]
    ranked = [row for row in picks_of(cases, 4) if row.strategy is not Strategy.RANDOM]
    assert len(ranked) == MAX_OF_A_GROUP - 1


def test_a_language_gets_no_more_than_its_share_unless_it_is_alone():
    both = [candidate(n, 0.5) for n in range(50)]
    other = [candidate(n, 0.5, language=Language.TR) for n in range(50, 52)]
    found = Counter(p.language for p in picks_of([*both, *other], 10, max_per_language=5))
    assert found[Language.TR] == 2
    alone = picks_of(both, 10, max_per_language=5)
    assert [pick.strategy is not Strategy.RANDOM for pick in alone] == [True] * 10


def test_the_picks_of_the_day_so_far_count():
    cases = [candidate(n, 0.5) for n in range(50)]
    cases += [candidate(n, 0.5, language=Language.TR) for n in range(50, 99)]
    before = [row for row in picks_of(cases, 20) if row.language is Language.TR]
    taken = {row.case_id for row in before}
    rest = [case for case in cases if case.case_id not in taken]
    found = Counter(p.language for p in picks_of(rest, 10, before=before))
    assert found == {Language.EN: 10}


def test_the_chance_of_each_pick_is_what_it_says():
    """Over many draws: a case that is not ranked comes as often as its chance."""
    cases = [candidate(n, 0.5 if n < 4 else 0.01) for n in range(24)]
    drawn, said = Counter(), set()
    for seed in range(2_000):
        for pick in picks_of(cases, 4, 5, seed, **only(Strategy.UNCERTAINTY)):
            drawn[pick.case_id.int] += 1
            said.add((pick.strategy, pick.chance))
    assert said == {(Strategy.UNCERTAINTY, 1.0), (Strategy.RANDOM, 0.25)}
    assert all(drawn[n] == 2_000 for n in range(4))
    assert all(abs(drawn[n] / 2_000 - 0.25) < 0.04 for n in range(4, 24))


def test_weights_of_one_over_the_chance_tell_the_whole_even_when_only_a_part_was_seen():
    chance = random.Random(5)
    cases = [candidate(n, chance.random() * 0.9) for n in range(400)]
    truth = sum(case.case_id.int % 3 == 0 for case in cases)
    estimates = []
    for seed in range(400):
        seen = random.Random(seed).sample(cases, 200)
        picks = picks_of(seen, 20, 30, seed, seen=0.5)
        estimates.append(sum(1 / p.chance for p in picks if p.case_id.int % 3 == 0))
    assert abs(sum(estimates) / len(estimates) - truth) < 0.04 * len(cases)


@given(st.integers(0, 60), st.integers(0, 30), st.integers(0, 25), st.integers(0, 99))
def test_never_more_than_asked_for_never_one_twice(n_cases, n_ranked, n_random, seed):
    draw = random.Random(seed)
    languages = list(Language)
    cases = [
        candidate(n, draw.random(), language=draw.choice(languages), label=draw.choice(LABELS))
        for n in range(n_cases)
    ]
    picks = picks_of(cases, n_ranked, n_random, seed)
    assert len(picks) == min(n_cases, n_ranked + n_random)
    assert len({pick.case_id for pick in picks}) == len(picks)
    assert all(0 < pick.chance <= 1 and 0 <= pick.score <= 1 for pick in picks)


@given(st.integers(1, 200), st.floats(0.05, 1))
def test_exactly_the_share_of_the_slots_is_random(per_day, share):
    rules = LabellingPolicy(per_day, share)
    assert sum(rules.is_random(slot) for slot in range(per_day)) == int(per_day * share)


def test_the_budget_opens_over_the_day_and_never_beyond():
    rules = LabellingPolicy(per_day=48)
    assert [rules.n_open(hour / 24) for hour in (0, 12, 23, 23.9)] == [2, 26, 48, 48]


def test_texts_that_are_nearly_the_same_make_a_group_and_others_none():
    same = [f"Win a holiday now, just pay the small parcel fee number {n}" for n in range(4)]
    other = ["The train is late again today", "My cat sleeps all day", "Good luck tomorrow"]
    rows = [(UUID(int=n), sketch_of(text)) for n, text in enumerate([*same, *other])]
    assert group_alike(rows) == [[UUID(int=n) for n in range(4)]]


def test_a_large_undecided_group_is_news_and_a_decided_one_is_less():
    assert news_of(20, 0) > news_of(4, 0) > news_of(20, 1) > news_of(20, 5)
    assert news_of(1, 0) == 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"per_day": -1}, "labelling.per_day: must lie within 0"),
        ({"per_day": 2.5}, "labelling.per_day: must be a whole number"),
        ({"random_share": 0}, "labelling.random_share: must lie within 0.05"),
        ({"max_share_per_language": 2}, "labelling.max_share_per_language: must lie within 0.05"),
        ({"per_hour": 3}, "labelling.per_hour: is not a known key"),
        ({"queue": "nowhere"}, "labelling.queue: no queue nowhere in queues.toml"),
        ({"queue": "child-safety"}, "labelling.queue: must not be a restricted queue"),
    ],
)
def test_a_wrong_budget_names_file_and_field(changes, told):
    documents = shipped_documents()
    documents["policy"]["labelling"].update(changes)
    with pytest.raises(PolicyInvalid, match=f"policy.toml, {told}"):
        parse_policy(documents)


def test_a_folder_without_the_section_chooses_nothing_and_needs_no_queue_for_it():
    documents = shipped_documents()
    del documents["policy"]["labelling"]
    del documents["queues"]["qa"]
    assert parse_policy(documents).labelling == LabellingPolicy(per_day=0)


def test_the_shipped_policy_chooses_fifty_a_day():
    rules = shipped_policy().labelling
    assert (rules.per_day, rules.queue) == (50, "qa")
    assert rules.max_ranked_per_language == 20
