"""Decided texts and erasure in memory (see `triage_ml.testing.memory`)."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from triage_ml.domain.case import Case, CaseState, Change, Step
from triage_ml.domain.example import NEVER_LEARNT, DecidedText, Exclusion, Given, GivenKind
from triage_ml.domain.quality import SampleKind
from triage_ml.domain.report import Erasure, Item
from triage_ml.domain.sketch import Sketch
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.domain.terms import Emerging
from triage_ml.errors import NotFound
from triage_ml.ports import CaseEvent
from triage_ml.ports.cases import StepFunction
from triage_ml.ports.feedback import ErasedItem, Place
from triage_ml.ports.leads import GoldenCase, SecondVerdict, Settlement
from triage_ml.testing.memory_decided import decisions


class MemoryFeedback:
    """`triage_ml.ports.FeedbackStore` for tests, beside the cases of `MemoryCaseStore`."""

    _cases: dict[UUID, Case]
    _events: dict[UUID, list[CaseEvent]]
    _golden: dict[UUID, GoldenCase]
    _retired: set[UUID]
    _verdicts: dict[UUID, SecondVerdict]
    _settled: dict[UUID, Settlement]
    _save: Callable[[Change, datetime], None]
    _sketches: dict[UUID, Sketch]
    _versions: dict[str, dict[str, datetime]]
    _emerging: tuple[list[Emerging], datetime | None]

    async def decided_texts(
        self,
        since: datetime,
        until: datetime,
        queues: Sequence[str],
        after: Place | None,
        limit: int,
    ) -> list[DecidedText]:
        found = [
            self._decided_text(case, case.decision.decided_at, queues)
            for case in self._cases.values()
            if case.decision is not None and since <= case.decision.decided_at < until
        ]
        found.sort(key=lambda row: (row.decided_at, row.case_id))
        place = (after.decided_at, after.case_id) if after else None
        return [r for r in found if place is None or (r.decided_at, r.case_id) > place][:limit]

    async def erase_item(self, item_id: str, at: datetime, step: StepFunction) -> ErasedItem:
        cases = [case for case in self._cases.values() if case.item.item_id == item_id]
        if not cases:
            raise NotFound("item", item_id)
        standing = [case for case in cases if case.item.erased is None]
        changes = [step(_without_text(case, at)) for case in standing]
        n_versions = len(self._versions.pop(item_id, {}))
        for change in changes:
            self._save(change, at)
        for case in cases:
            self._sketches.pop(case.case_id, None)
        kept, found_at = self._emerging
        gone = {case.case_id for case in cases}
        self._emerging = ([row for row in kept if gone.isdisjoint(row.case_ids)], found_at)
        erased = [self._cases[case.case_id].item.erased for case in cases]
        return ErasedItem(
            item_id, max(row.erased_at for row in erased if row), n_versions, len(cases)
        )

    def _restore(self, item: Item) -> None:
        """Hold a text again that was erased and is reported again, wherever it stood."""
        version = item.version_sha256
        for case_id, case in self._cases.items():
            erased = case.item.erased
            if case.item.item_id == item.item_id and erased and erased.version_sha256 == version:
                again = replace(case.item, text=item.text, context=item.context, erased=None)
                self._cases[case_id] = replace(case, item=again)

    def _decided_text(self, case: Case, at: datetime, queues: Sequence[str]) -> DecidedText:
        given = tuple(sorted(self._given(case), key=lambda row: (row.at, row.kind, row.reviewer)))
        excluded = _excluded(case, given, queues)
        if excluded is not None:
            hidden = excluded is Exclusion.RESTRICTED
            language = Language.UND if hidden else case.language.language
            return DecidedText(case.case_id, at, language, excluded=excluded)
        given = tuple(row for row in given if not self._is_retired(case, row))
        return DecidedText(
            case.case_id,
            at,
            case.language.language,
            case.item.text,
            frozenset(case.summary.reason_labels),
            given,
        )

    def _given(self, case: Case) -> Iterator[Given]:
        yield from self._given_decisions(case)
        for row in self._verdicts.values():
            if row.sample.case_id == case.case_id:
                settled = self._settled.get(row.review_id)
                double = row.sample.kind is SampleKind.DOUBLE
                yield Given(
                    GivenKind.SECOND_LOOK,
                    row.judged_at,
                    _key(row.reviewer),
                    row.judgement.findings,
                    row.judgement.action,
                    blind=True,
                    claim_id=row.sample.sample_id if double else None,
                    outcome=settled.outcome if settled else None,
                )
        for golden in self._golden.values():
            if golden.case_id == case.case_id:
                yield Given(
                    GivenKind.GOLDEN,
                    golden.marked_at,
                    _key(golden.marked_by),
                    golden.judgement.findings,
                    golden.judgement.action,
                )

    def _given_decisions(self, case: Case) -> Iterator[Given]:
        log = self._events[case.case_id]
        details = {e.detail["claim_id"]: e.detail for e in log if e.step is Step.DECIDED}
        claims = {e.detail["claim_id"]: e.detail for e in log if e.step is Step.CLAIMED}
        for row in decisions({case.case_id: case}, {case.case_id: log}):
            if row.unread:
                continue
            detail, claim = details[str(row.claim_id)], claims[str(row.claim_id)]
            yield Given(
                GivenKind.DECISION,
                row.decided_at,
                _key(row.reviewer),
                row.judgement.findings,
                row.judgement.action,
                stage=row.stage,
                policy_version=detail["policy_version"],
                asked=frozenset(map(Label, detail["asked"])),
                upheld=row.upheld,
                blind=detail["hints_withheld"],
                drawn_at_random=row.drawn_at_random,
                propensity=claim["propensity"],
                claim_id=row.claim_id,
            )

    def _is_retired(self, case: Case, given: Given) -> bool:
        in_use = {
            row.marked_at
            for row in self._golden.values()
            if row.case_id == case.case_id and row.golden_id not in self._retired
        }
        return given.kind is GivenKind.GOLDEN and given.at not in in_use


def _excluded(case: Case, given: Sequence[Given], queues: Sequence[str]) -> Exclusion | None:
    touched = {*case.placement.labels, *case.summary.reason_labels}
    for row in given:
        touched |= row.findings.keys()
    if case.placement.queue not in queues or not NEVER_LEARNT.isdisjoint(touched):
        return Exclusion.RESTRICTED
    if case.item.erased is not None:
        return Exclusion.ERASED
    return None if case.state is CaseState.DECIDED else Exclusion.UNDER_APPEAL


def _without_text(case: Case, at: datetime) -> Case:
    bare = replace(case.item, text="", context=(), erased=Erasure(at, case.item.version_sha256))
    return replace(case, item=bare)


def _key(reviewer: str) -> str:
    return hashlib.sha256(f"reviewer {reviewer}".encode()).hexdigest()[:24]
