"""Trials and their counts: one suite on the memory and the PostgreSQL store."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.steps import (
    DISMISSED,
    NOW,
    POLICY,
    UPHELD,
    appeal,
    claim_one,
    decide,
    make_scores,
    report,
)
from triage_ml.domain import guard
from triage_ml.domain.case import Case
from triage_ml.domain.guard import GuardLimits
from triage_ml.domain.rollout import RolloutStage, Trial
from triage_ml.domain.scores import Arm
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import Conflict, NotFound
from triage_ml.ports import ModelArtifact, ScoreRecord
from triage_ml.testing.memory import MemoryCaseStore

pytestmark = pytest.mark.anyio

LATER = NOW + timedelta(minutes=1)
LIMITS = GuardLimits(min_texts=7)


def asked(version: str, stage: RolloutStage = RolloutStage.SHADOW, share: float = 0.0) -> Trial:
    return Trial(version, "", stage, share, NOW, "anna", "a try", LIMITS)


async def publish(store, place, version: str) -> None:
    """Publish a folder of that version, in memory its name."""
    if isinstance(store, MemoryCaseStore):
        store.publish(version)
        return
    folder = place / version
    folder.mkdir()
    (folder / "manifest.json").write_text(version)
    sha256 = hashlib.sha256(version.encode()).hexdigest()
    await store.publish_model(
        ModelArtifact(version, sha256, folder, {"manifest.json": sha256}), NOW
    )


@pytest.fixture
async def ready(store, tmp_path):
    """`a` is live, `b` and `c` are published."""
    for version in "abc":
        await publish(store, tmp_path, version)
    await store.make_live("a", NOW, "anna", "first")
    return store


async def test_a_trial_goes_through_its_stages(ready):
    """The newest line is how it stands; the log keeps all of them."""
    assert await ready.open_trial() is None
    first = await ready.begin_trial(asked("b"))
    assert (first.version, first.against, first.limits) == ("b", "a", LIMITS)
    second = await ready.begin_trial(asked("b", RolloutStage.CANARY, 0.2))
    assert second.number > first.number
    assert await ready.open_trial() == second
    assert await ready.make_live("b", LATER, "ben", "good")
    probation = await ready.open_trial()
    assert (probation.stage, probation.version, probation.against) == ("probation", "a", "b")
    assert probation.limits == LIMITS
    assert await ready.go_back(probation.number, LATER, "worse")
    assert await ready.open_trial() is None
    log = [(row.stage.value, row.by) for row in await ready.trials()]
    assert log == [
        ("ended", "guard"), ("probation", "ben"), ("canary", "anna"), ("shadow", "anna"),
    ]  # fmt: skip


async def test_only_one_of_several_ends_a_trial(ready):
    """Who comes later, or means an earlier stage, does nothing."""
    first = await ready.begin_trial(asked("b"))
    second = await ready.begin_trial(asked("b", RolloutStage.CANARY, 0.2))
    assert not await ready.end_trial(LATER, "guard", "x", first.number)
    assert await ready.end_trial(LATER, "guard", "x", second.number)
    assert not await ready.end_trial(LATER, "guard", "x", second.number)
    assert not await ready.end_trial(LATER, "anna", "x")
    assert not await ready.go_back(second.number, LATER, "x")


async def test_going_back_needs_the_probation_that_is_meant(ready):
    """A person who was faster wins."""
    await ready.begin_trial(asked("b"))
    await ready.make_live("b", LATER, "ben", "good")
    probation = await ready.open_trial()
    await ready.make_live("c", LATER, "ben", "better")
    assert await ready.open_trial() is None
    assert not await ready.go_back(probation.number, LATER, "worse")


@pytest.mark.parametrize("version", ["nobody", "a"])
async def test_what_cannot_be_tried_is_refused(ready, version):
    """An unknown version, and the live one; nothing is written."""
    with pytest.raises(NotFound if version == "nobody" else Conflict):
        await ready.begin_trial(asked(version))
    assert await ready.trials() == []


async def test_nothing_can_be_tried_without_a_live_model(store, tmp_path):
    await publish(store, tmp_path, "b")
    with pytest.raises(Conflict, match="no model is live"):
        await store.begin_trial(asked("b"))


async def test_two_models_are_not_tried_at_once(ready):
    await ready.begin_trial(asked("b"))
    with pytest.raises(Conflict, match="b is on trial"):
        await ready.begin_trial(asked("c"))


async def test_counts_add_up(ready):
    """Each trial has its own."""
    first = await ready.begin_trial(asked("b"))
    key, other = (guard.URGENT, "en", guard.UP), (guard.TRIED, "", guard.OK)
    await ready.add_tally(first.number, {key: 2, other: 1})
    await ready.add_tally(first.number, {key: 3})
    second = await ready.begin_trial(asked("b", RolloutStage.CANARY, 0.2))
    assert await ready.tally(first.number) == {key: 5, other: 1}
    assert await ready.tally(second.number) == {}


async def decided_case(store, item_id: str, live: float, beside: float, upheld: bool) -> Case:
    """Report a case that both models score, and decide it."""
    found = await report(store, item_id, scores=make_scores(live, "a"))
    case = await store.get_case(found.case_id)
    scores = make_scores(beside, "b")
    await store.add_shadow_scores(
        [ScoreRecord.of(found.case_id, case.item.version_sha256, 6, scores, Arm.SHADOW, NOW)]
    )
    claimed = await claim_one(store, queue=case.placement.queue)
    return await decide(store, claimed, UPHELD if upheld else DISMISSED)


async def test_decided_cases_are_counted_by_what_both_models_said(ready):
    """The watched model first; on probation that is the live one."""
    trial = await ready.begin_trial(asked("b"))
    await decided_case(ready, "i-1", 0.9, 0.1, upheld=True)
    await decided_case(ready, "i-2", 0.9, 0.2, upheld=True)
    await decided_case(ready, "i-3", 0.1, 0.9, upheld=False)
    await report(ready, "i-4", scores=make_scores(0.9, "a"))  # not decided
    found = await ready.decided(trial, list(POLICY.queues))
    assert sorted(found, key=lambda row: row.n) == [
        guard.Decided(Language.EN, upheld=False, watched=True, other=False, n=1),
        guard.Decided(Language.EN, upheld=True, watched=False, other=True, n=2),
    ]
    turned = replace(trial, stage=RolloutStage.PROBATION)
    other = {(row.watched, row.other) for row in await ready.decided(turned, list(POLICY.queues))}
    assert other == {(False, True), (True, False)}


async def test_decided_cases_of_other_queues_are_not_counted(ready):
    """Who asks names the queues that are open to all."""
    trial = await ready.begin_trial(asked("b"))
    await decided_case(ready, "i-1", 0.9, 0.1, upheld=True)
    assert await ready.decided(trial, ["somewhere"]) == []
    assert await ready.decided(replace(trial, version="c"), list(POLICY.queues)) == []


async def test_a_case_under_complaint_waits_for_its_next_decision(ready):
    """And counts once, by that one."""
    trial = await ready.begin_trial(asked("b"))
    case = await decided_case(ready, "i-1", 0.9, 0.1, upheld=True)
    await appeal(ready, case.case_id)
    assert await ready.decided(trial, list(POLICY.queues)) == []
    again = await claim_one(ready, "ben", queue=POLICY.appeal_queue)
    await decide(ready, again, DISMISSED)
    assert await ready.decided(trial, list(POLICY.queues)) == [
        guard.Decided(Language.EN, upheld=False, watched=False, other=True, n=1)
    ]


async def test_what_was_said_before_a_decision_counts_when_it_is_written_after_it(ready):
    """A server writes what a shadow says every few seconds; what came too late counts nowhere."""
    trial = await ready.begin_trial(asked("b"))
    for item_id, late in (("i-1", timedelta()), ("i-2", timedelta(seconds=1))):
        found = await report(ready, item_id, scores=make_scores(0.1, "a"))
        queue = (await ready.get_case(found.case_id)).placement.queue
        case = await decide(ready, await claim_one(ready, queue=queue), DISMISSED)
        beside = make_scores(0.9, "b")
        version, at = case.item.version_sha256, NOW + late
        await ready.add_shadow_scores(
            [ScoreRecord.of(case.case_id, version, 6, beside, Arm.SHADOW, at)]
        )
    assert await ready.decided(trial, list(POLICY.queues)) == [
        guard.Decided(Language.EN, upheld=False, watched=True, other=False, n=1)
    ]


async def test_the_next_stage_begins_without_decisions(ready):
    await ready.begin_trial(asked("b"))
    await decided_case(ready, "i-1", 0.9, 0.1, upheld=True)
    canary = replace(asked("b", RolloutStage.CANARY, 0.2), at=LATER)
    assert await ready.decided(await ready.begin_trial(canary), list(POLICY.queues)) == []
