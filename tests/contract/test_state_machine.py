"""Hypothesis drives both stores with the same rules; they must tell the same story.

Identifiers differ between the stores, so cases, claims and reports are kept as pairs.
"""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import empty
from tests.contract.steps import (
    DISMISSED,
    LEASE,
    NOW,
    POLICY,
    UPHELD,
    admit,
    make_scores,
    request,
    submission,
    without_ids,
)
from triage_ml.domain import admission, review
from triage_ml.domain.case import OPEN_STATES, TRANSITIONS, CaseState, Stage
from triage_ml.domain.decision import Appeal
from triage_ml.domain.erasure import erase
from triage_ml.domain.report import Source
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import TriageError
from triage_ml.ports import HistoryWindow
from triage_ml.storage.postgres import PostgresCaseStore
from triage_ml.testing import FixedClock
from triage_ml.testing.memory import MemoryCaseStore

ITEMS = [f"i-{n}" for n in range(4)]
REVIEWERS = ["rita", "ben", "cem"]
REASONS = [Label.HARASSMENT, Label.HATE, Label.SELF_HARM, None]


class Stores(RuleBasedStateMachine):
    """The two stores side by side. `url` and `loop` are set by the test."""

    url: str
    loop: asyncio.AbstractEventLoop

    reports = Bundle("reports")
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        empty(self.url)
        self.clock = FixedClock()
        self.memory = MemoryCaseStore(random.Random(1), self.clock.now)
        self.postgres = PostgresCaseStore.at(self.url, max_size=2, now=self.clock.now)
        self.run(self.postgres.open())
        self.known: dict[UUID, UUID] = {}  # case ids, memory -> PostgreSQL

    def teardown(self) -> None:
        try:
            for pair in self.known.items():
                self.compare_logs(*pair)
        finally:
            self.run(self.postgres.close())

    def run(self, coroutine):
        return self.loop.run_until_complete(coroutine)

    def both(self, call):
        """Ask both stores the same; give the pair of answers, or the error they agree on."""
        answers = []
        for store in (self.memory, self.postgres):
            try:
                answers.append(self.run(call(store)))
            except TriageError as error:
                answers.append(type(error))
        kinds = {isinstance(answer, type) for answer in answers}
        assert len(kinds) == 1, answers
        if kinds == {True}:
            assert answers[0] is answers[1]
            return None
        return answers

    def step(self, pair, make):
        """Apply `make(id) -> step` to a pair of cases and compare what comes of it."""
        answers = self.both(lambda store: store.change(pair[store is self.postgres], make(store)))
        if answers:
            assert without_ids(answers[0]) == without_ids(answers[1])

    @rule(
        target=reports,
        item=st.sampled_from(ITEMS),
        reason=st.sampled_from(REASONS),
        source=st.sampled_from([Source.USER, Source.TRUSTED_FLAGGER, Source.PROACTIVE]),
        reporter=st.sampled_from(["u-1", "u-2"]),
        language=st.sampled_from([Language.EN, Language.KO]),
        scored=st.booleans(),
        key=st.sampled_from([None, None, None, "k-1"]),
    )
    def report(self, item, reason, source, reporter, language, scored, key):
        """A report arrives, perhaps again under an Idempotency-Key."""
        now = self.clock.advance(timedelta(seconds=7))
        body = f"{item}{reason}{source}{reporter}"
        sent = submission(
            item, at=now, key=key, body=body, reason=reason, source=source, reporter_ref=reporter
        )
        scores = make_scores(0.6) if scored else None
        window = HistoryWindow(3, NOW)
        answers = self.both(lambda store: store.submit(sent, window, admit(sent, scores, language)))
        if answers is None:
            return multiple()
        mine, theirs = answers
        blank = UUID(int=0)
        assert replace(mine, case_id=blank, report_id=blank) == replace(
            theirs, case_id=blank, report_id=blank
        )
        assert self.known.setdefault(mine.case_id, theirs.case_id) == theirs.case_id
        return (mine.case_id, theirs.case_id), (mine.report_id, theirs.report_id)

    @rule(
        target=claims,
        report=reports,
        reviewer=st.sampled_from(REVIEWERS),
        n=st.integers(1, 3),
        languages=st.sampled_from([(), (), (Language.KO,)]),
        excluded=st.sampled_from([(), (), (Label.HATE,)]),
    )
    def claim(self, report, reviewer, n, languages, excluded):
        """A reviewer asks for cases of a queue that has or had some."""
        queue = self.run(self.memory.get_case(report[0][0])).placement.queue
        asked = request(
            reviewer,
            n,
            queue=queue,
            now=self.clock.now(),
            languages=languages,
            excluded_labels=excluded,
        )
        mine, theirs = self.both(lambda store: store.claim(asked))
        assert [without_ids(case) for case in mine] == [without_ids(case) for case in theirs]
        return multiple(
            *(
                ((a.case_id, b.case_id), (a.claim.claim_id, b.claim.claim_id), reviewer)
                for a, b in zip(mine, theirs, strict=True)
            )
        )

    @rule(claim=claims, reviewer=st.sampled_from([None, "ben"]))
    def renew(self, claim, reviewer):
        self.with_claim(claim, reviewer, review.renew, lease=LEASE)

    @rule(claim=claims, minutes=st.sampled_from([-1, 15, 60, 240]))
    def hold(self, claim, minutes):
        until = self.clock.now() + timedelta(minutes=minutes)
        self.with_claim(
            claim,
            None,
            review.hold,
            until=until,
            reason="a translation",
            max_hold=timedelta(hours=4),
        )

    @rule(report=reports, reviewer=st.sampled_from(["lead", "ben"]))
    def take_handed(self, report, reviewer):
        """Only "lead" is ever handed a case."""
        now = self.clock.advance(timedelta(seconds=5))
        self.step(
            report[0],
            lambda store: (
                lambda c: review.take_handed(c, review.Claim(uuid4(), reviewer, now, now + LEASE))
            ),
        )

    @rule(claim=consumes(claims))
    def release(self, claim):
        self.with_claim(claim, None, review.release, reason="not my field")

    @rule(claim=claims, verdict=st.sampled_from([UPHELD, DISMISSED]))
    def decide(self, claim, verdict):
        self.with_claim(claim, None, review.decide, policy=POLICY, verdict=verdict)

    @rule(item=st.sampled_from(ITEMS))
    def erase(self, item):
        """An item's text is erased, perhaps again, perhaps of an item nobody reported."""
        now = self.clock.advance(timedelta(seconds=2))

        def step(case):
            return erase(case, "anna", "asked for")

        answers = self.both(lambda store: store.erase_item(item, now, step))
        if answers:
            assert answers[0] == answers[1]

    @rule(claim=claims)
    def find_policy_gap(self, claim):
        verdict = replace(DISMISSED, needs_classification=True)
        self.with_claim(claim, None, review.decide, policy=POLICY, verdict=verdict)

    def with_claim(self, claim, reviewer, function, **arguments):
        pair, claim_ids, holder = claim
        now = self.clock.advance(timedelta(seconds=30))
        more = {"reviewer": reviewer or holder, "now": now, **arguments}

        def make(store):
            return partial(function, claim_id=claim_ids[store is self.postgres], **more)

        self.step(pair, make)

    @rule(report=reports)
    def escalate(self, report):
        """Straight from a queue; a claimed case refuses who does not hold it."""
        now = self.clock.now()
        self.step(
            report[0],
            lambda store: lambda c: review.escalate(c, POLICY, "lead", "lead", "hard", now),
        )

    @rule(report=reports)
    def appeal(self, report):
        now, complaint = self.clock.now(), Appeal("c-1", "I disagree")
        self.step(
            report[0], lambda store: lambda c: review.appeal(c, POLICY, complaint, now, "intake")
        )

    @rule(report=reports)
    def withdraw(self, report):
        pair, report_ids = report
        self.step(
            pair,
            lambda store: partial(
                review.withdraw,
                report_id=report_ids[store is self.postgres],
                reason="a mistake",
                actor="intake",
            ),
        )

    @rule(report=reports, probability=st.sampled_from([0.1, 0.9]))
    def score(self, report, probability):
        now, scores = self.clock.now(), make_scores(probability)
        self.step(
            report[0],
            lambda store: lambda c: admission.add_scores(c, POLICY, scores, now, "scorer"),
        )

    @rule(minutes=st.integers(1, 12))
    def wait(self, minutes):
        """Leases run out."""
        self.clock.advance(timedelta(minutes=minutes))

    @rule(limit=st.integers(1, 3), arrived=st.booleans())
    def deliver(self, limit, arrived):
        now = self.clock.now()
        mine, theirs = self.both(lambda store: store.take_deliveries(limit, now, LEASE))
        assert [self.parcel(d) for d in mine] == [self.parcel(d, mine=False) for d in theirs]
        retry_at = None if arrived else now + LEASE
        for pair in zip(mine, theirs, strict=True):
            self.both(
                lambda store, pair=pair: store.settle_delivery(
                    pair[store is self.postgres].delivery_id, now, retry_at
                )
            )

    def parcel(self, delivery, mine=True):
        payload = {key: delivery.payload[key] for key in ("type", "item_id")}
        case_id = self.known[delivery.case_id] if mine else delivery.case_id
        return payload, delivery.n_attempts, case_id

    @invariant()
    def the_stores_agree(self):
        """Cases, logs, reports, queue depths and what is left to score are the same."""
        for pair in self.known.items():
            mine, theirs = self.both(lambda s, pair=pair: s.get_case(pair[s is self.postgres]))
            assert without_ids(mine) == without_ids(theirs)
        now = self.clock.now()
        mine, theirs = self.both(lambda store: store.queue_depths(now))
        assert mine == theirs
        for name in (*REVIEWERS, "lead"):
            mine, theirs = self.both(lambda store, name=name: store.held_by(name, now))
            assert {self.known[c.case_id] for c in mine} == {c.case_id for c in theirs}
            mine, theirs = self.both(lambda store, name=name: store.owned_by(name, now))
            assert {self.known[c.case_id] for c in mine} == {c.case_id for c in theirs}
        mine, theirs = self.both(lambda store: store.unscored(9, 3))
        assert [self.known[case.case_id] for case in mine] == [case.case_id for case in theirs]

    @invariant()
    def the_database_keeps_its_promises(self):
        """One open case per item, one running claim per case, no event lost or illegal."""
        with psycopg.connect(self.url) as connection:
            cases = connection.execute("SELECT case_id, item_id, state, stage FROM triage_case")
            running = connection.execute("SELECT case_id FROM claim WHERE ended_at IS NULL")
            rows, claimed = cases.fetchall(), [row[0] for row in running.fetchall()]
        is_open = [
            item for _, item, state, stage in rows if state in OPEN_STATES and stage == "first"
        ]
        assert len(is_open) == len(set(is_open))
        assert sorted(claimed) == sorted(row[0] for row in rows if row[2] == CaseState.CLAIMED)
        assert {row[0] for row in rows} == set(self.known.values())

    def compare_logs(self, mine, theirs):
        ours = self.run(self.memory.events(mine))
        logged = self.run(self.postgres.events(theirs))
        assert [(e.at, e.step, e.actor, e.to_state) for e in ours] == [
            (e.at, e.step, e.actor, e.to_state) for e in logged
        ]
        state = None
        for event in logged:
            assert event.from_state == state
            if state is not None:
                assert TRANSITIONS[state, event.step] is event.to_state
            state = event.to_state
        case = self.run(self.postgres.get_case(theirs))
        assert case.state is state
        reports = self.run(self.postgres.reports(theirs))
        assert len(reports) == case.summary.n_reports
        assert (case.stage is Stage.APPEAL) == (case.barred_reviewer is not None)


@pytest.mark.timeout(120)
def test_both_stores_tell_the_same_story(migrated_url):
    """Whatever people and machines do, in whatever order."""
    with asyncio.Runner() as runner:
        machine = type("Bound", (Stores,), {"url": migrated_url, "loop": runner.get_loop()})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=25,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
