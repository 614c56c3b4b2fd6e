"""The parts of a running service, and the use cases made of them."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol

from serving.console.passwords import Argon2Hasher
from serving.metrics import Metrics
from serving.security import Keys
from serving.settings import Settings
from serving.sign_on import Provider
from triage_ml.domain.policy import Policy
from triage_ml.domain.rollout import Trial
from triage_ml.domain.scores import Arm
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import Overloaded
from triage_ml.inference.batching import Batcher
from triage_ml.inference.projection import project
from triage_ml.ports import (
    AccountStore,
    CareStore,
    CaseStore,
    Clock,
    ComparisonStore,
    DriftStore,
    FeedbackStore,
    InsightStore,
    LabellingStore,
    LanguageDetector,
    LeadStore,
    LiveModels,
    MeansStore,
    PolicyStore,
    RecordStore,
    ReplayStore,
    RolloutStore,
    Scorer,
    TrendStore,
)
from triage_ml.workflow.accounts import Accounts, Hasher
from triage_ml.workflow.care import Care
from triage_ml.workflow.challenger import Challenger
from triage_ml.workflow.drift import DriftWatch
from triage_ml.workflow.erasure import Eraser
from triage_ml.workflow.insight import Insight
from triage_ml.workflow.intake import Intake
from triage_ml.workflow.labelling import Labelling
from triage_ml.workflow.leads import Leads
from triage_ml.workflow.means import Means
from triage_ml.workflow.measures import Measures
from triage_ml.workflow.models import Models
from triage_ml.workflow.quality import Quality
from triage_ml.workflow.review import Review
from triage_ml.workflow.rollout import Rollout
from triage_ml.workflow.score_history import ScoreHistory
from triage_ml.workflow.scoring import TURN_TEXTS, Scored, Scoring
from triage_ml.workflow.shadow import Shadow
from triage_ml.workflow.trends import Trends


class Store(
    CaseStore,
    AccountStore,
    InsightStore,
    CareStore,
    LeadStore,
    TrendStore,
    RecordStore,
    ComparisonStore,
    LiveModels,
    MeansStore,
    LabellingStore,
    ReplayStore,
    PolicyStore,
    DriftStore,
    RolloutStore,
    FeedbackStore,
    Protocol,
):
    """Cases, what is known and counted beside them, accounts and ledgers, in one database."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service is built from. `scorer` None: no model, reports are queued degraded.

    `provider` None: the one that the settings name, if they name one.
    """

    settings: Settings
    policy: Policy
    store: Store
    scorer: Scorer | None
    detector: LanguageDetector
    clock: Clock
    hasher: Hasher = field(default_factory=Argon2Hasher)
    provider: Provider | None = None


class Slots:
    """A bounded number of requests at once."""

    def __init__(self, n: int) -> None:
        self._free = n

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Raises: Overloaded."""
        if self._free <= 0:
            raise Overloaded(retry_after_seconds=1)
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


class MeasuredScoring(Scoring):
    """Scoring that counts its failures and times what reports wait."""

    def __init__(self, parts: Parts, metrics: Metrics) -> None:
        settings = parts.settings
        employ = partial(
            Batcher,
            detector=parts.detector,
            max_waiting=settings.max_waiting_scores,
            n_threads=settings.score_threads,
            note=lambda how: metrics.texts.labels(how).inc(),
        )
        self._employ_beside = partial(
            Batcher,
            detector=parts.detector,
            max_waiting=settings.max_waiting_scores,
            n_threads=settings.score_threads,
        )
        super().__init__(
            parts.scorer,
            parts.detector,
            employ,
            deadline=settings.score_deadline,
            patience=settings.score_patience,
            n_lists=max(1, settings.max_waiting_scores // (2 * TURN_TEXTS)),
        )
        self._metrics = metrics

    async def attempt(self, text: str, hint: Language | None) -> Scored:
        began = time.perf_counter()
        scored = await super().attempt(text, hint)
        self._metrics.scoring.observe(time.perf_counter() - began)
        if scored.failure is not None:
            self._metrics.scoring_failures.labels(scored.failure).inc()
        if scored.fallback is not None:
            self._metrics.challenger_fallbacks.labels(scored.fallback).inc()
        if scored.arm is Arm.CANARY:
            self._metrics.challenger_texts.labels("answered").inc()
        return scored

    def try_out(self, trial: Trial | None, scorer: Scorer | None) -> None:
        """Put a model beside the live one, or none; one that goes on keeps what it is at."""
        known = self.challenger
        if trial is None or scorer is None:
            self.challenger = None
        elif known is not None and known.engine.scorer is scorer:
            self.challenger = Challenger(trial, known.engine)
        else:
            self.challenger = Challenger(trial, self._employ_beside(scorer))
        now = self.challenger
        self._metrics.show_challenger(
            now.trial.version if now else None, now.trial.stage if now else ""
        )


class Service:
    """Everything a route needs."""

    def __init__(self, parts: Parts, metrics: Metrics) -> None:
        self.parts = parts
        self.settings = parts.settings
        self.policy = parts.policy
        self.store = parts.store
        self.clock = parts.clock
        self.metrics = metrics
        self.scoring = MeasuredScoring(parts, metrics)
        self.shadow = Shadow(
            parts.store,
            self.scoring,
            parts.policy,
            parts.clock,
            hear=lambda outcome: metrics.challenger_texts.labels(outcome).inc(),
        )
        self.rollout = Rollout(parts.store, parts.policy, parts.clock)
        self.intake = Intake(
            parts.store, self.scoring, parts.policy, parts.clock, stored=self.shadow.note
        )
        self.insight = Insight(parts.store, parts.policy, parts.clock)
        self.review = Review(
            parts.store,
            parts.policy,
            parts.clock,
            accounts=parts.store,
            lease=parts.settings.lease,
            hold_max=parts.settings.hold_max,
        )
        self.care = Care(parts.store, parts.policy, parts.clock)
        self.accounts = Accounts(
            parts.store,
            parts.clock,
            parts.hasher,
            session=parts.settings.session,
            idle=parts.settings.session_idle,
        )
        self.provider = parts.provider or Provider.of(parts.settings, parts.clock)
        store = parts.store
        self.leads = Leads(store, store, store, parts.policy, parts.clock)
        self.quality = Quality(store, self.review, parts.policy, parts.clock)
        self.measures = Measures(store, parts.policy, parts.clock)
        self.models = Models(store, parts.policy)
        self.score_history = ScoreHistory(store, self.review, parts.clock)
        self.trends = Trends(parts.store, parts.policy, parts.clock)
        self.means = Means(store, parts.policy, parts.clock)
        self.labelling = Labelling(parts.store, parts.policy, parts.clock)
        self.drift = DriftWatch(parts.store, parts.policy, parts.clock, project)
        self.eraser = Eraser(parts.store, parts.clock)
        self.keys = Keys(parts.store, parts.settings.key_ttl)
        self.scraping = asyncio.Lock()
        self.scraped_at: datetime | None = None
        self.slots = Slots(parts.settings.max_in_flight)
        metrics.show_model(parts.scorer.info.version if parts.scorer else None)

    def note_claims(self, queue: str, n: int) -> None:
        """Count claims, but none of a restricted queue: a scrape of the metrics needs no key."""
        if not self.policy.queues[queue].restricted:
            self.metrics.claims.labels(queue).inc(n)

    def close(self) -> None:
        """Stop the model's threads; what they had begun may finish, if it does so soon."""
        self.scoring.close()
