"""Short ways to drive a store, over the shipped policy."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

from triage_ml.domain import admission, review
from triage_ml.domain.case import Case, Change, Stage
from triage_ml.domain.decision import Action, Appeal, Verdict
from triage_ml.domain.priority import Circumstances, reporter_factor
from triage_ml.domain.report import Item, Report, ReportSummary, Source
from triage_ml.domain.scores import LabelScore, LabelScores, LanguageGuess
from triage_ml.domain.taxonomy import Label, Language, Severity, Support
from triage_ml.policy import load_policy
from triage_ml.ports import ClaimRequest, HistoryWindow, Submission
from triage_ml.testing.doubles import FIXED_START as NOW

POLICY = load_policy()
QUEUE = "std-en-safety"
"""Where the shipped policy puts an English report of harassment without scores."""
LEASE = timedelta(minutes=10)
WINDOW = HistoryWindow(100, NOW - timedelta(days=90))
UPHELD = Verdict({Label.HARASSMENT: Severity.S2}, Action.REMOVE_CONTENT, explanation="clause 1")
DISMISSED = Verdict({}, Action.NO_ACTION)


def submission(item_id="i-1", *, at=NOW, key=None, body="b", text="a text", **facts) -> Submission:
    author = facts.pop("author_ref", "author-1")
    defaults = {"reporter_ref": "u-1", "source": Source.USER, "reason": Label.HARASSMENT}
    item = Item(item_id, text, "post", author)
    return Submission(item, Report(**{**defaults, **facts}), "intake", at, key, body)


def admit(sent, scores=None, language=Language.EN, seen=None):
    """Admit as the service does; `seen` collects the histories."""

    def decide(case, history, case_id) -> Change:
        if seen is not None:
            seen.append(history)
        n_outcomes, n_upheld = history.n_outcomes, history.n_upheld
        factor = reporter_factor(POLICY.priority, sent.report.source, n_outcomes, n_upheld)
        summary = (case.summary if case else ReportSummary()).add(sent.report, factor)
        facts = Circumstances(sent.item, summary, language, Stage.FIRST)
        guess = LanguageGuess(language, 0.9)
        rest = (POLICY, facts, guess, scores, sent.received_at, sent.actor)
        if case is None:
            return admission.open_case(case_id, *rest)
        return admission.join_report(case, *rest)

    return decide


async def report(store, item_id="i-1", *, scores=None, language=Language.EN, seen=None, **more):
    sent = submission(item_id, **more)
    return await store.submit(sent, WINDOW, admit(sent, scores, language, seen))


def make_scores(probability=0.2, model_version="m-1") -> LabelScores:
    score = LabelScore(probability, probability, 2.0, Support.MEASURED)
    return LabelScores({Label.HARASSMENT: score}, probability, Language.EN, model_version)


def request(reviewer="rita", n=1, *, now=NOW, queue=QUEUE, share=0.0, **more) -> ClaimRequest:
    row = POLICY.priority
    return ClaimRequest(
        queue=queue,
        reviewer=reviewer,
        n=n,
        lease=LEASE,
        now=now,
        urgency_weight=row.urgency_weight,
        age_weight=row.age_weight,
        random_share=share,
        **more,
    )


async def claim_one(store, reviewer="rita", **more) -> Case:
    [case] = await store.claim(request(reviewer, **more))
    return case


async def decide(store, case, verdict=UPHELD, now=NOW) -> Case:
    claim = case.claim
    step = partial(
        review.decide,
        policy=POLICY,
        claim_id=claim.claim_id,
        reviewer=claim.reviewer,
        verdict=verdict,
        now=now,
    )
    return await store.change(case.case_id, step)


async def decided(store, item_id="i-1", verdict=UPHELD, **more) -> Case:
    await report(store, item_id, **more)
    return await decide(store, await claim_one(store), verdict)


async def appeal(store, case_id, now=NOW, ref="c-1") -> Case:
    complaint = Appeal(ref, "I disagree")
    return await store.change(
        case_id, lambda case: review.appeal(case, POLICY, complaint, now, "intake")
    )


async def withdraw(store, case_id, report_id) -> Case:
    return await store.change(
        case_id, lambda case: review.withdraw(case, report_id, "a mistake", "intake")
    )


async def add_scores(store, case_id, probability=0.2, now=NOW) -> Case:
    scores = make_scores(probability)
    return await store.change(
        case_id, lambda case: admission.add_scores(case, POLICY, scores, now, "scorer")
    )


def without_ids(case: Case) -> Case:
    """Make cases of two stores comparable: identifiers are drawn at random."""
    nothing = UUID(int=0)
    claim = replace(case.claim, claim_id=nothing) if case.claim else None
    decision = replace(case.decision, claim_id=nothing) if case.decision else None
    return replace(case, case_id=nothing, claim=claim, decision=decision)
