"""What Prometheus reads, one registry per app."""

from collections import Counter as Tally
from collections.abc import Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from triage_ml.ports import QueueDepth, Receipt
from triage_ml.workflow.drift import DriftState

_SERIES = ("measure", "language")
_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "triage_request_seconds",
            "Time to answer a request.",
            ("route", "method", "status"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.scoring = Histogram(
            "triage_scoring_seconds",
            "Time a report waited for its scores.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.texts = self._count(
            "triage_texts",
            "Texts by how they were scored: by the model, with one at work, from the cache.",
            "how",
        )
        self.scoring_failures = self._count(
            "triage_scoring_failures", "Reports accepted without scores, by cause.", "reason"
        )
        self.reports = self._count(
            "triage_reports", "Reports accepted.", "source", "joined", "degraded"
        )
        self.claims = self._count(
            "triage_claims", "Cases handed to reviewers, restricted queues left out.", "queue"
        )
        self.decisions = self._count("triage_decisions", "Decisions taken.", "action")
        self.erasures = self._count("triage_erasures", "Items whose text was erased.")
        self.deliveries = self._count(
            "triage_deliveries", "Attempts to deliver an announcement.", "outcome"
        )
        self.picks = self._count(
            "triage_labelling_picks", "Cases chosen to learn from.", "strategy", "language"
        )
        self.undelivered = self._gauge(
            "triage_outbox_announcements", "Announcements that have not arrived."
        )
        self.caught_up = self._count("triage_backlog_scored", "Cases scored by the worker.")
        self.backlog = self._gauge(
            "triage_backlog_cases", "Open cases without scores, restricted queues left out."
        )
        self.cases = self._gauge(
            "triage_queue_cases", "Open cases, restricted queues left out.", "queue", "tier"
        )
        self.breached = self._gauge(
            "triage_queue_breached_cases", "Open cases past due and not claimed.", "queue", "tier"
        )
        self.oldest = self._gauge(
            "triage_queue_oldest_seconds", "Age of the oldest open case.", "queue"
        )
        self.store_up = self._gauge("triage_store_up", "Whether the database answers.")
        self.model = self._gauge("triage_model_info", "The loaded model; 0 without one.", "version")
        self.model_changes = self._count(
            "triage_model_changes",
            "Live models of the database: taken, refused, or failed to be fetched for now.",
            "outcome",
        )
        self.model_behind = self._gauge(
            "triage_model_behind", "1 while another model is served than the live one."
        )
        self.drift = self._gauge(
            "triage_drift_value",
            "How far the last full day's windows are from their reference, in standard deviations.",
            *_SERIES,
        )
        self.drift_alarm = self._gauge(
            "triage_drift_alarm", "1 while an alarm about drift is open.", *_SERIES
        )
        self.drift_limit = self._gauge(
            "triage_drift_limit", "Standard deviations that raise an alarm."
        )
        self.drift_behind = self._gauge(
            "triage_drift_behind_days", "Days that were counted for drift and not read yet."
        )

        self.challenger = self._gauge(
            "triage_challenger_info", "The model beside the live one.", "version", "stage"
        )
        self.challenger_changes = self._count(
            "triage_challenger_changes",
            "Models beside the live one: taken, refused, or failed to be fetched for now.",
            "outcome",
        )
        self.challenger_texts = self._count(
            "triage_challenger_texts",
            "Texts for the model beside the live one: scored or failed, when nobody waits for it; "
            "dropped under pressure; answered, as its own share.",
            "outcome",
        )
        self.challenger_fallbacks = self._count(
            "triage_challenger_fallbacks",
            "Texts of a canary's share that the live model had to answer.",
            "reason",
        )
        self.guard_closest = self._gauge(
            "triage_guard_closest",
            "How near the nearest limit of a trial is to being broken, 0 to 1.",
        )
        self.guard_endings = self._count(
            "triage_guard_endings",
            "Trials that the guard of this worker ended: a limit was broken, or probation passed.",
            "stage",
            "outcome",
        )

    def _count(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def note_report(self, receipt: Receipt, source: str) -> None:
        degraded = str(receipt.degraded).lower()
        self.reports.labels(source, str(receipt.joined).lower(), degraded).inc()

    def show_model(self, version: str | None) -> None:
        self.model.clear()
        self.model.labels(version or "").set(0 if version is None else 1)

    def show_challenger(self, version: str | None, stage: str = "") -> None:
        self.challenger.clear()
        if version is not None:
            self.challenger.labels(version, stage).set(1)

    def show_queues(self, rows: Sequence[QueueDepth], now: datetime) -> None:
        """Replace the depth gauges by what the store says."""
        cases: Tally[tuple[str, str]] = Tally()
        breached: Tally[tuple[str, str]] = Tally()
        oldest: dict[str, float] = {}
        for row in rows:
            if row.oldest_received_at is None:  # nothing is open there any more
                continue
            cases[row.queue, row.tier.name] += row.n_open
            breached[row.queue, row.tier.name] += row.n_breached
            age = (now - row.oldest_received_at).total_seconds()
            oldest[row.queue] = max(age, oldest.get(row.queue, 0.0))
        for gauge in (self.cases, self.breached, self.oldest):
            gauge.clear()
        for (queue, tier), n in cases.items():
            self.cases.labels(queue, tier).set(n)
        for (queue, tier), n in breached.items():
            self.breached.labels(queue, tier).set(n)
        for queue, age in oldest.items():
            self.oldest.labels(queue).set(age)
        self.backlog.set(sum(row.n_degraded for row in rows))

    def show_drift(self, state: DriftState) -> None:
        """Replace the gauges of drift by what was read last."""
        self.drift.clear()
        self.drift_alarm.clear()
        for row in state.readings:
            if row.z is not None:
                self.drift.labels(row.measure, row.language).set(row.z)
                self.drift_alarm.labels(row.measure, row.language).set(0)
        for alarm in state.open_alarms:
            self.drift_alarm.labels(alarm.measure, alarm.language).set(1)
        self.drift_limit.set(state.limit)
        self.drift_behind.set(state.n_behind)

    def render(self) -> bytes:
        return generate_latest(self.registry)
