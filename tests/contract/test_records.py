"""Every score is recorded as it was made, in both stores."""

from datetime import timedelta
from uuid import uuid4

import pytest

from tests.contract.steps import LEASE, NOW, POLICY, QUEUE, make_scores, report
from triage_ml.domain.admission import add_scores
from triage_ml.domain.scores import Arm
from triage_ml.errors import NotFound
from triage_ml.ports import ScoreRecord

pytestmark = pytest.mark.anyio


async def test_the_scores_of_a_first_report_are_recorded_with_text_language_and_labels(store):
    found = await report(store, text="three words here", scores=make_scores(0.25))
    [record] = await store.scores_of(found.case_id)
    case = await store.get_case(found.case_id)
    made = make_scores(0.25)
    assert record.labels == made.labels
    assert (record.p_violation, record.language) == (made.p_violation, made.language)
    assert (record.arm, record.model_version, record.at) == (Arm.LIVE, "m-1", NOW)
    assert (record.version_sha256, record.n_chars) == (case.item.version_sha256, 16)


async def test_a_report_of_the_same_text_by_the_same_model_adds_no_record(store):
    found = await report(store, scores=make_scores())
    await report(store, scores=make_scores(), reporter_ref="u-2")
    assert len(await store.scores_of(found.case_id)) == 1


async def test_an_edited_text_and_another_model_each_add_a_record_of_what_was_said(store):
    found = await report(store, scores=make_scores(0.9))
    await report(store, text="a milder text", scores=make_scores(0.1), reporter_ref="u-2")
    last = {"text": "a milder text", "reporter_ref": "u-3"}
    await report(store, scores=make_scores(0.2, "m-2"), **last)
    records = await store.scores_of(found.case_id)
    assert [record.p_violation for record in records] == [0.9, 0.1, 0.2]
    assert [record.model_version for record in records] == ["m-1", "m-1", "m-2"]
    assert len({record.version_sha256 for record in records}) == 2
    assert [r.score_id for r in records] == sorted(r.score_id for r in records)


async def test_late_scores_are_recorded_and_a_case_without_any_has_none(store):
    found = await report(store)
    assert await store.scores_of(found.case_id) == []
    await store.change(
        found.case_id, lambda case: add_scores(case, POLICY, make_scores(), NOW, "worker")
    )
    assert [record.arm for record in await store.scores_of(found.case_id)] == [Arm.LIVE]


async def test_shadow_scores_are_recorded_and_change_nothing_of_the_case(store):
    found = await report(store, scores=make_scores())
    before = await store.get_case(found.case_id)
    sha256 = before.item.version_sha256
    said = ScoreRecord.of(found.case_id, sha256, 6, make_scores(0.99, "m-2"), Arm.SHADOW, NOW)
    await store.add_shadow_scores([said])
    assert await store.get_case(found.case_id) == before
    assert [r.arm for r in await store.scores_of(found.case_id)] == [Arm.LIVE, Arm.SHADOW]
    await store.add_shadow_scores([])


async def test_scores_of_an_unknown_case_are_refused_whole(store):
    found = await report(store, scores=make_scores())
    parts = (6, make_scores(0.99, "m-2"), Arm.SHADOW, NOW)
    said = [ScoreRecord.of(case_id, "0", *parts) for case_id in (found.case_id, uuid4())]
    with pytest.raises(NotFound):
        await store.add_shadow_scores(said)
    assert len(await store.scores_of(found.case_id)) == 1
    with pytest.raises(NotFound):
        await store.scores_of(uuid4())


async def test_scores_of_a_time_come_in_pages_and_only_from_the_queues_asked_for(store):
    for number in range(3):
        at = NOW + number * LEASE
        await report(store, f"i-{number}", at=at, scores=make_scores(0.1 * number))
    until = NOW + timedelta(hours=1)
    first = await store.scores_since(NOW, until, [QUEUE], 2)
    rest = await store.scores_since(NOW, until, [QUEUE], 2, first[-1].score_id)
    assert [r.p_violation for r in (*first, *rest)] == [0.0, 0.1, 0.2]
    assert await store.scores_since(NOW, until, ["lang-unknown"], 9) == []
    assert len(await store.scores_since(NOW + LEASE, NOW + 2 * LEASE, [QUEUE], 9)) == 1


async def test_pages_go_by_time_and_leave_nothing_out(store):
    """A server whose clock is behind records an earlier time under a later number."""
    found = await report(store, scores=make_scores())
    times = [NOW + LEASE * n for n in (3, 1, 2, 2)]
    made = [ScoreRecord.of(found.case_id, "v", 1, make_scores(), Arm.SHADOW, at) for at in times]
    await store.add_shadow_scores(made)
    seen, after = [], 0
    while page := await store.scores_since(NOW, NOW + 3 * LEASE, [QUEUE], 2, after):
        seen += page
        after = page[-1].score_id
    assert [row.at for row in seen] == [NOW, NOW + LEASE, NOW + 2 * LEASE, NOW + 2 * LEASE]
