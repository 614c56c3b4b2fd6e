"""Example answers of the OpenAPI document."""

from typing import Any

from serving.schemas.examples import CASE_ID, CLAIM_ID, REPORT_ID, REPORTS

_LANGUAGE = {"code": "en", "confidence": 0.99, "detected": None}
_LABELS = {
    "deception_spam": {
        "probability": 0.91,
        "upper": 0.91,
        "severity": 1.0,
        "support": "measured",
        "spans": [],
    }
}
_INDEX = {"value": 5.676, "base": 5.676, "urgency": 0.0, "age": 0.0}
_TERMS = [
    {
        "name": "harm.deception_spam",
        "value": 1.82,
        "why": "Deception spam at probability 0.91 (the model's calibrated probability) times "
        "weight 1 of severity 1.0, divided by 0.5 minutes of work.",
    },
    {
        "name": "reach",
        "value": 3.08,
        "why": "Reach multiplies by 3.08: 1 + log10(1 + views per hour), at most 4.",
    },
]
_PLACE = {
    "queue": "std-en-integrity",
    "due_at": "2026-03-04T09:00:00Z",
}
_WHY = {
    "tier_reason": "no rule asks for more",
    "route_reason": "en: spam, misinformation or illegal goods",
    "clock": "std-en-integrity",
    "policy_version": "2026-11-22",
}
RECEIPT: dict[str, Any] = {
    "report_id": REPORT_ID,
    "case_id": CASE_ID,
    "joined": False,
    "state": "queued",
    "language": _LANGUAGE,
    "labels": _LABELS,
    "p_violation": 0.93,
    "n_windows": 1,
    "tier": "T3",
    "index": _INDEX,
    "terms": _TERMS,
    "received_at": "2026-03-02T09:00:00Z",
    "model_version": "2026.11.22-1",
    "degraded": False,
    **_PLACE,
    **_WHY,
}
BATCH_OUT: dict[str, Any] = {
    "n_accepted": 1,
    "n_refused": 1,
    "results": [
        {"index": 0, "status": 201, "receipt": RECEIPT, "problem": None},
        {
            "index": 1,
            "status": 422,
            "receipt": None,
            "problem": {
                "type": "/docs#invalid-input",
                "title": "A field is invalid",
                "status": 422,
                "detail": "item.text: holds no visible character",
                "errors": [{"field": "item.text", "reason": "holds no visible character"}],
            },
        },
    ],
}
SCORES: dict[str, Any] = {
    "model_version": "2026.11.22-1",
    "scores": [{"language": _LANGUAGE, "labels": _LABELS, "p_violation": 0.93, "n_windows": 1}],
}
MODEL: dict[str, Any] = {
    "version": "2026.11.22-1",
    "labels": ["hate", "harassment", "deception_spam"],
    "support": {"en": {"hate": "measured", "child_safety": "unsupported"}},
    "quality": {"en": {"hate": {"n_positive": 812, "n_negative": 2210, "auc": 0.91}}},
    "card": "# Model card\n",
}
READY = {
    "status": "ready",
    "database": "ok",
    "model": "ok",
    "model_version": "2026.11.22-1",
    "degraded": False,
}

STATUS: dict[str, Any] = {
    "case_id": CASE_ID,
    "state": "queued",
    "stage": "first",
    "tier": "T3",
    "owner": None,
    "degraded": False,
    **_PLACE,
}
DECIDED = {**STATUS, "state": "decided"}
ESCALATED = {**STATUS, "queue": "escalation", "tier": "T2", "owner": "lead-policy"}
APPEALED = {**STATUS, "queue": "appeal", "stage": "appeal"}
WITHDRAWN = {**STATUS, "state": "withdrawn"}
RELEASED = STATUS
LEASE = {
    "claim_id": CLAIM_ID,
    "reviewer": "reviewer-7",
    "claimed_at": "2026-03-02T09:05:00Z",
    "lease_expires_at": "2026-03-02T09:15:00Z",
    "drawn_at_random": False,
    "propensity": 0.98,
    "hints_withheld": False,
    "held_until": None,
}
HELD = {
    **LEASE,
    "lease_expires_at": "2026-03-02T10:00:00Z",
    "held_until": "2026-03-02T10:00:00Z",
}
CASE: dict[str, Any] = {
    **STATUS,
    "item": {
        **REPORTS["en"]["value"]["item"],
        "context": [],
        "high_profile": False,
        "erased_at": None,
    },
    "language": _LANGUAGE,
    "labels": _LABELS,
    "p_violation": 0.93,
    "n_windows": 1,
    "model_version": "2026.11.22-1",
    "received_at": "2026-03-02T09:00:00Z",
    "repeat_actor": False,
    "n_reports": 1,
    "n_active_reports": 1,
    "reports": [
        {
            "report_id": REPORT_ID,
            "source": "user",
            "reason": "deception_spam",
            "jurisdiction": None,
            "legal_deadline": None,
            "reported_at": "2026-03-02T09:00:00Z",
            "withdrawn_at": None,
        }
    ],
    "versions": [
        {
            "text": REPORTS["en"]["value"]["item"]["text"],
            "first_seen_at": "2026-03-02T09:00:00Z",
        }
    ],
    "appeals": [],
    "claim": None,
    "decision": None,
    "policy_gap": None,
    **_WHY,
}
EVENTS = {
    "case_id": CASE_ID,
    "events": [
        {
            "sequence": 1,
            "at": "2026-03-02T09:00:00Z",
            "step": "reported",
            "actor": "forum-intake",
            "from_state": None,
            "to_state": "received",
            "detail": {"n_reports": 1},
        }
    ],
    "next_after": None,
}
PRIORITY = {
    "tier": "T3",
    "tier_reason": "no rule asks for more",
    "index": _INDEX,
    "terms": _TERMS,
    "policy_version": "2026-11-22",
}
QUEUES = {
    "queues": [
        {
            "queue": "std-en-integrity",
            "fed_by": "en: spam and deception, civic misinformation, illegal goods",
            "restricted": False,
            "n_open": 14,
            "n_claimed": 2,
            "n_breached": 0,
            "n_next": 1,
            "n_degraded": 0,
            "n_drained": 22,
            "oldest_received_at": "2026-03-02T09:00:00Z",
            "next_due_at": "2026-03-04T09:00:00Z",
            "by_tier": {"T2": 1, "T3": 13},
            "by_language": {"en": 14},
            "by_age": {"under_hour": 9, "under_day": 5},
        }
    ]
}
CLAIMS = {"claims": [{"claim": LEASE, "case": {**CASE, "state": "claimed", "claim": LEASE}}]}
ANNOUNCEMENT: dict[str, Any] = {
    "type": "case.decided",
    "timestamp": "2026-03-02T09:12:00Z",
    "data": {
        "case_id": CASE_ID,
        "item_id": "post-1041",
        "findings": {"deception_spam": 2},
        "action": "remove_content",
        "claim_id": CLAIM_ID,
        "stage": "first",
        "dsa_category": "SCAMS_AND_FRAUD",
        "policy_version": "2026-11-22",
        "decided_at": "2026-03-02T09:12:00Z",
        "hints_withheld": False,
        "asked": [],
    },
}
ERASED: dict[str, Any] = {
    "item_id": "post-4711",
    "erased_at": "2026-03-02T09:00:00Z",
    "n_versions": 2,
    "n_cases": 1,
}
