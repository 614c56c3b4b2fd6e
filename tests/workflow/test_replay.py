"""Every score and placement can be made again, or it is said why not."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.workflow.conftest import Desk
from triage_ml.domain.case import Step
from triage_ml.domain.decision import Action, Appeal, Verdict
from triage_ml.domain.facts import FACTS_KEY
from triage_ml.domain.report import Source
from triage_ml.domain.scores import Arm
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.errors import InvalidInput, NotFound, PolicyInvalid
from triage_ml.policy import load_policy, policy_of, read_policy
from triage_ml.ports import FoundModel, KeptPolicy, ScoreRecord
from triage_ml.testing import StubScorer
from triage_ml.workflow.policies import check_version, keep_policy
from triage_ml.workflow.replay import ALTERED, ERASED, NO_FACTS, Replay
from triage_ml.workflow.scoring import Scored, score_backlog

pytestmark = pytest.mark.anyio
STEP = timedelta(minutes=7)
LOSER = "you loser"
KEYWORDS = {"loser": {Label.HARASSMENT: 0.9}, "kill": {Label.VIOLENT_THREAT: 0.97}}


class Shelf:
    """Models by version, and for which severities each was asked for."""

    def __init__(self, *scorers: StubScorer) -> None:
        self.scorers = {scorer.info.version: scorer for scorer in scorers}
        self.asked: list[tuple[str, float]] = []

    async def find(self, version, severities):
        self.asked.append((version, severities[Label.HARASSMENT]))
        if version not in self.scorers:
            raise NotFound("artifact", f"of model {version} (the shelf: not there)")
        return FoundModel(self.scorers[version], "the shelf")


def stub(version: str = "stub-1", rest: float = 0.01) -> StubScorer:
    made = StubScorer(KEYWORDS, version=version)
    made.rest = rest
    return made


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(stub(), stub("stub-2", rest=0.3))


@pytest.fixture
async def desk(desk: Desk) -> Desk:
    desk.scoring.scorer = stub()
    desk.scoring._deadline = 30.0  # a busy machine must not leave a text without scores
    await keep_policy(desk.store, desk.policy, read_policy(), desk.clock)
    return desk


def replay(desk: Desk, shelf: Shelf) -> Replay:
    return Replay(desk.store, shelf, policy_of, desk.policy)


async def replayed(desk: Desk, shelf: Shelf, case_id, **more):
    return await replay(desk, shelf).of(case_id, **more)


async def seen_again(desk: Desk, shelf: Shelf, case_id, *, n_scores, n_placements, **more):
    """Replay, and require that everything agrees."""
    found = await replayed(desk, shelf, case_id, **more)
    assert [row.unknown for row in (*found.scores, *found.placements) if row.unknown] == []
    assert [row.differences for row in found.placements if row.differences] == []
    assert (found.n_different, found.largest_difference) == (0, 0.0)
    assert (len(found.scores), len(found.placements)) == (n_scores, n_placements)
    return found


async def test_reports_that_join_agree_with_facts_that_grew(desk, shelf):
    first = await desk.report(text=LOSER)
    for number, source in enumerate((Source.USER, Source.TRUSTED_FLAGGER, Source.AUTHORITY)):
        now = desk.clock.advance(STEP)
        more = {"jurisdiction": "DE", "legal_deadline": now + timedelta(hours=3)}
        more = more if source is Source.AUTHORITY else {}
        await desk.report(text=LOSER, source=source, reporter_ref=f"r-{number}", **more)
    found = await seen_again(desk, shelf, first.case_id, n_scores=1, n_placements=4)
    assert [row.recorded.priority.tier for row in found.placements] == [3, 3, 1, 1]
    assert found.scores[0].where == "the shelf"


async def test_an_edited_item_keeps_the_worst_of_its_texts_and_agrees(desk, shelf):
    first = await desk.report(text=LOSER)
    for text in ("a kind text", "a kind text", "I will kill you", LOSER):
        desk.clock.advance(STEP)
        await desk.report(text=text, reporter_ref=text)
    found = await seen_again(desk, shelf, first.case_id, n_scores=4, n_placements=5)
    assert {row.text for row in found.scores} == {LOSER, "a kind text", "I will kill you"}


async def test_scores_that_came_late_agree(desk, shelf):
    desk.scoring.scorer = None
    first = await desk.report(text=LOSER)
    desk.scoring.scorer = stub()
    desk.clock.advance(STEP)
    assert await score_backlog(desk.store, desk.scoring, desk.policy, desk.clock) == 1
    found = await seen_again(desk, shelf, first.case_id, n_scores=1, n_placements=2)
    assert found.placements[0].recomputed.priority.harm_terms[0].basis == "report"


async def test_an_edit_without_a_model_agrees_before_and_after_its_scores(desk, shelf):
    first = await desk.report(text=LOSER)
    desk.scoring.scorer = None
    await desk.report(text="another text", reporter_ref="r-2")
    await desk.report(text="another text", reporter_ref="r-3")
    desk.scoring.scorer = stub()
    desk.clock.advance(STEP)
    await score_backlog(desk.store, desk.scoring, desk.policy, desk.clock)
    await seen_again(desk, shelf, first.case_id, n_scores=2, n_placements=4)


async def test_another_model_in_between_is_asked_for_its_own_scores(desk, shelf):
    first = await desk.report(text=LOSER)
    desk.scoring.scorer = stub("stub-2", rest=0.3)
    await desk.report(text=LOSER, reporter_ref="r-2")
    await desk.report(text="a kind text", reporter_ref="r-3")
    await seen_again(desk, shelf, first.case_id, n_scores=3, n_placements=3)
    assert [version for version, _ in shelf.asked] == ["stub-1", "stub-2", "stub-2"]


async def test_another_language_of_the_same_text_is_a_score_of_its_own(desk, shelf):
    """It is calibrated otherwise, so it is recorded."""
    first = await desk.report(text=LOSER)
    desk.scoring._detector.known[LOSER] = Language.DE
    desk.scoring.scorer = stub()  # whose cache knows no answer yet
    await desk.report(text=LOSER, reporter_ref="r-2")
    found = await seen_again(desk, shelf, first.case_id, n_scores=2, n_placements=2)
    assert [row.record.language for row in found.scores] == [Language.EN, Language.DE]


async def test_a_shadow_score_is_replayed_and_places_nothing(desk, shelf):
    first = await desk.report(text=LOSER)
    [said] = stub("stub-2", rest=0.3).score([LOSER], [Language.EN])
    [made] = await desk.store.scores_of(first.case_id)
    parts = made.version_sha256, made.n_chars, said, Arm.SHADOW, desk.clock.now()
    await desk.store.add_shadow_scores([ScoreRecord.of(first.case_id, *parts)])
    await desk.report(text=LOSER, reporter_ref="r-2")
    await seen_again(desk, shelf, first.case_id, n_scores=2, n_placements=2)


async def test_a_canary_score_places_the_case_and_agrees(desk, shelf):
    async def attempt(text, hint):
        [said] = stub("stub-2", rest=0.3).score([text], [Language.EN])
        return Scored((await usual(text, hint)).language, said, arm=Arm.CANARY)

    usual, desk.scoring.attempt = desk.scoring.attempt, attempt
    first = await desk.report(text=LOSER)
    found = await seen_again(desk, shelf, first.case_id, n_scores=1, n_placements=1)
    assert found.scores[0].record.arm is Arm.CANARY


@pytest.mark.parametrize("seed", range(12))
async def test_any_course_of_a_case_is_made_again(desk, shelf, seed):
    """Reports of every kind, edits, models that change or are away, late scores, escalations."""
    chance = random.Random(seed)
    rita = await desk.person("rita")
    first = await desk.report(text=LOSER)
    for number in range(15):
        now = desk.clock.advance(STEP * chance.random())
        desk.scoring.scorer = chance.choice([None, stub(), stub("stub-2", rest=0.3)])
        if chance.random() < 0.2:
            await score_backlog(desk.store, desk.scoring, desk.policy, desk.clock)
            continue
        if chance.random() < 0.1:
            await desk.review.escalate(rita, first.case_id, "rita", "please look", None)
            continue
        deadline = now + timedelta(hours=chance.random() * 9) if chance.random() < 0.1 else None
        await desk.report(
            text=chance.choice([LOSER, "a kind text", "I will kill you"]),
            source=chance.choice(list(Source)),
            reason=chance.choice([None, Label.HARASSMENT, Label.VIOLENT_THREAT, Label.HATE]),
            jurisdiction=chance.choice([None, "DE", "TR", "US"]),
            legal_deadline=deadline,
            reporter_ref=f"r-{number}",
        )
    found = await replayed(desk, shelf, first.case_id)
    assert (found.n_different, found.n_unknown) == (0, 0)
    assert len(found.placements) > 5


async def test_escalation_gap_and_appeal_agree(desk, shelf):
    """With the queues, tiers and clocks that people's steps give."""
    first = await desk.report(text=LOSER)
    rita, ben = await desk.person("rita"), await desk.person("ben")
    await desk.review.escalate(rita, first.case_id, "ben", "please look", None)
    desk.clock.advance(STEP)
    await desk.report(text=LOSER, reporter_ref="r-2")  # stays where people sent it
    taken = await desk.review.take(ben, first.case_id)
    gap = Verdict({}, Action.NO_ACTION, explanation="no word", needs_classification=True)
    desk.clock.advance(STEP)
    await desk.review.decide(ben, first.case_id, taken.claim.claim_id, gap)
    [held] = await desk.review.claim(rita, "policy-gap")
    verdict = Verdict({Label.HARASSMENT: Severity.S2}, Action.REMOVE_CONTENT, explanation="1.2")
    await desk.review.decide(rita, first.case_id, held.claim.claim_id, verdict)
    desk.clock.advance(STEP)
    await desk.review.appeal(ben, first.case_id, Appeal("c-1", "I disagree"))
    found = await seen_again(desk, shelf, first.case_id, n_scores=1, n_placements=5)
    steps = [Step.ROUTED, Step.ESCALATED, Step.ROUTED, Step.POLICY_GAP, Step.APPEALED]
    assert [row.step for row in found.placements] == steps


async def test_an_appeal_of_a_case_that_a_finding_put_behind_a_restriction_agrees(desk, shelf):
    first = await desk.report(text=LOSER)
    rita = await desk.person("rita", "review", "restricted")
    [held] = await desk.review.claim(rita, first.placement.queue)
    verdict = Verdict({Label.CHILD_SAFETY: Severity.S3}, Action.REMOVE_CONTENT, explanation="4.1")
    await desk.review.decide(rita, first.case_id, held.claim.claim_id, verdict)
    await desk.review.appeal(rita, first.case_id, Appeal("c-1", "I disagree"))
    with pytest.raises(InvalidInput, match="restricted queue"):
        await replayed(desk, shelf, first.case_id)
    more = {"n_scores": 1, "n_placements": 2, "restricted": True}
    found = await seen_again(desk, shelf, first.case_id, **more)
    assert found.restricted
    assert found.placements[1].recomputed.queue == "child-safety"


async def test_each_placement_is_made_again_under_the_policy_of_then(desk, shelf):
    first = await desk.report(text=LOSER)
    files = {**read_policy(), "queues.toml": read_policy()["queues.toml"].replace("= 24", "= 7")}
    files["policy.toml"] = files["policy.toml"].replace(desk.policy.version, "later")
    files["labels.toml"] = files["labels.toml"].replace('"S2"', '"S1"')
    later = policy_of(files)
    await keep_policy(desk.store, later, files, desk.clock)
    desk.intake._policy = later
    desk.clock.advance(STEP)
    await desk.report(text=LOSER, reporter_ref="r-2")
    await desk.report(text="you loser again", reporter_ref="r-3")
    found = await seen_again(desk, shelf, first.case_id, n_scores=2, n_placements=3)
    assert [row.recorded.priority.policy_version for row in found.placements][1:] == ["later"] * 2
    assert found.placements[1].recomputed.due_at - first.received_at == timedelta(hours=7) + STEP
    assert [severity for _, severity in shelf.asked] == [2.0, 1.0]


async def test_a_policy_that_was_not_kept_is_named(desk, shelf):
    first = await desk.report(text=LOSER)
    desk.store._policies.clear()
    other = replace(desk.policy, version="other", sha256="0" * 64)
    found = await Replay(desk.store, shelf, policy_of, other).of(first.case_id)
    told = f"policy {desk.policy.version} ({desk.policy.sha256[:12]}) was not kept in this database"
    assert (found.placements[0].unknown, found.scores[0].unknown) == (told, told)
    assert (found.n_different, found.n_unknown) == (0, 2)


async def test_a_kept_policy_that_was_changed_is_not_believed(desk, shelf):
    first = await desk.report(text=LOSER)
    [kept] = desk.store._policies
    files = {**kept.files, "queues.toml": kept.files["queues.toml"].replace("= 24", "= 7")}
    desk.store._policies[0] = replace(kept, files=files)
    other = replace(desk.policy, version="other", sha256="0" * 64)
    found = await Replay(desk.store, shelf, policy_of, other).of(first.case_id)
    assert "is not what its hash says" in found.placements[0].unknown


@pytest.mark.parametrize(
    ("text", "told"), [("", ERASED), ("something milder", ALTERED)], ids=["erased", "altered"]
)
async def test_a_text_that_is_not_there_any_more_is_said_and_its_placement_still_agrees(
    desk, shelf, text, told
):
    first = await desk.report(text=LOSER)
    [(name, item)] = desk.store._seen.items()
    desk.store._versions[item.item_id] = {text: first.received_at} if text else {}
    desk.store._seen[name] = replace(item, text=text) if text else item
    found = await replayed(desk, shelf, first.case_id)
    assert found.scores[0].unknown == told
    assert (found.n_different, found.n_unknown) == (0, 1)
    assert found.placements[0].recomputed is not None


async def test_a_score_that_was_tampered_with_differs_and_so_does_what_it_placed(desk, shelf):
    first = await desk.report(text=LOSER)
    [row] = desk.store._scores
    softer = replace(row.labels[Label.HARASSMENT], probability=0.2)
    desk.store._scores[0] = replace(row, labels={**row.labels, Label.HARASSMENT: softer})
    found = await replayed(desk, shelf, first.case_id)
    [wrong] = [check for check in found.scores[0].outputs if not check.agrees]
    assert (wrong.output, wrong.difference) == ("harassment", pytest.approx(0.7))
    assert found.placements[0].differences == ("base_index",)
    assert found.n_different == 2


async def test_a_label_that_is_missing_differs(desk, shelf):
    first = await desk.report(text=LOSER)
    [row] = desk.store._scores
    fewer = {label: score for label, score in row.labels.items() if label is not Label.HATE}
    desk.store._scores[0] = replace(row, labels=fewer)
    found = await replayed(desk, shelf, first.case_id)
    assert [check.output for check in found.scores[0].outputs if not check.agrees] == ["hate"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("queue", "legal"), ("tier", 1), ("due_at", "2026-01-05T09:00:00+00:00"), ("base_index", 0.5)],
)
async def test_a_placement_that_was_tampered_with_differs(desk, shelf, field, value):
    first = await desk.report(text=LOSER)
    log = desk.store._events[first.case_id]
    log[1] = replace(log[1], detail={**log[1].detail, field: value})
    found = await replayed(desk, shelf, first.case_id)
    assert found.placements[0].differences == (field,)
    assert found.n_different == 1


async def test_placements_of_an_older_release_are_named_and_what_follows_goes_on(desk, shelf):
    """Scores that were made before scores were recorded cannot be known."""
    first = await desk.report(text=LOSER)
    log = desk.store._events[first.case_id]
    older = {key: value for key, value in log[1].detail.items() if key != FACTS_KEY}
    log[1] = replace(log[1], detail=older)
    desk.store._scores.clear()
    await desk.report(text=LOSER, reporter_ref="r-2")
    desk.scoring.scorer = stub("stub-2", rest=0.3)
    await desk.report(text=LOSER, reporter_ref="r-3")
    found = await replayed(desk, shelf, first.case_id)
    unknown = [row.unknown for row in found.placements]
    too_old = "its scores were made before scores were recorded"
    assert unknown == [NO_FACTS, too_old, too_old]
    assert found.n_different == 0


async def test_a_record_that_is_missing_is_said(desk, shelf):
    first = await desk.report(text=LOSER)
    desk.store._scores.clear()
    found = await replayed(desk, shelf, first.case_id)
    assert found.placements[0].unknown == "the record of its scores is missing"


async def test_a_model_that_is_nowhere_is_named(desk):
    first = await desk.report(text=LOSER)
    found = await replayed(desk, Shelf(), first.case_id)
    assert found.scores[0].unknown == "no artifact of model stub-1 (the shelf: not there)"
    assert not found.scores[0].agrees


async def test_facts_that_were_damaged_are_said(desk, shelf):
    first = await desk.report(text=LOSER)
    log = desk.store._events[first.case_id]
    log[1] = replace(log[1], detail={**log[1].detail, FACTS_KEY: {"at": "yesterday"}})
    found = await replayed(desk, shelf, first.case_id)
    assert found.placements[0].unknown == "its facts cannot be read"


async def test_the_log_holds_neither_text_nor_reporter(desk):
    first = await desk.report(text=LOSER, reporter_ref="reporter-77")
    log = str([event.detail for event in await desk.store.events(first.case_id)])
    assert "loser" not in log
    assert "reporter-77" not in log
    assert "author-1" not in log


async def test_a_changed_policy_without_a_new_version_is_refused_by_the_check(desk):
    files = {**read_policy(), "queues.toml": read_policy()["queues.toml"].replace("= 24", "= 7")}
    with pytest.raises(PolicyInvalid, match="in use with other contents since 2026-01-05 09:00"):
        await check_version(desk.store, policy_of(files))
    await check_version(desk.store, load_policy())
    files["policy.toml"] = files["policy.toml"].replace(desk.policy.version, "later")
    await check_version(desk.store, policy_of(files))


async def test_a_comment_is_no_other_policy(desk):
    files = {**read_policy(), "queues.toml": "# a word\n" + read_policy()["queues.toml"]}
    assert policy_of(files) == load_policy()
    assert await keep_policy(desk.store, policy_of(files), files, desk.clock) == []


async def test_a_guideline_is_part_of_the_policy(desk):
    """It is what a reviewer read who decided under this version."""
    files = dict(read_policy())
    files["guidelines/en.toml"] = files["guidelines/en.toml"].replace("1.1 Hate", "1.1 Hatred")
    assert policy_of(files).sha256 != load_policy().sha256
    kept = KeptPolicy(desk.policy.version, policy_of(files).sha256, files, desk.clock.now())
    assert await desk.store.keep_policy(kept) == [desk.policy.sha256]
