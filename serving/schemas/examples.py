"""Example requests of the OpenAPI document. Every text was written for it."""

from typing import Any

CASE_ID = "0198c0de-0000-7000-8000-000000000001"
CLAIM_ID = "0198c0de-0000-7000-8000-000000000002"
REPORT_ID = "0198c0de-0000-7000-8000-000000000003"


def _report(
    number: int, language: str, text: str, reason: str, source: str = "user", **item: Any
) -> dict[str, Any]:
    return {
        "item": {
            "id": f"post-{number}",
            "text": text,
            "surface": "post",
            "author_ref": f"author-{number}",
            "language_hint": language,
            **item,
        },
        "report": {"reporter_ref": f"reporter-{number}", "source": source, "reason": reason},
    }


_EN = _report(
    1041,
    "en",
    "Your parcel is on hold. Pay the 1.99 fee within the hour or it goes back: parcel-fee.example",
    "deception_spam",
    views_per_hour=120.0,
)
_DE = _report(
    1042,
    "de",
    "Du bist so dumm, dass dich hier wirklich niemand ernst nimmt.",
    "harassment",
    context=[{"relation": "parent", "text": "Ich fand den Vortrag gestern sehr hilfreich."}],
)
_TR = _report(
    1043,
    "tr",
    "Arkadaşım artık yaşamak istemediğini yazdı, ona nasıl yardım edebilirim?",
    "self_harm",
)
_ES = _report(
    1044,
    "es",
    "Gana 500 euros al día desde casa sin hacer nada, escríbeme por privado.",
    "deception_spam",
    source="proactive",
)
_KO = _report(
    1045,
    "ko",
    "너 같은 사람은 이 모임에 나올 자격이 없어. 다시는 오지 마.",
    "harassment",
    high_profile=True,
)
_DE["report"] = {**_DE["report"], "source": "trusted_flagger", "jurisdiction": "DE"}

REPORTS: dict[str, Any] = {
    "en": {"summary": "English: a parcel scam", "value": _EN},
    "de": {"summary": "German: an insult, from a trusted flagger", "value": _DE},
    "tr": {"summary": "Turkish: worry about a friend", "value": _TR},
    "es": {"summary": "Spanish: an offer too good to be true", "value": _ES},
    "ko": {"summary": "Korean: someone is told to stay away", "value": _KO},
}

_BATCH = [{**_EN, "idempotency_key": "notice-1041"}, _DE, _TR, _ES, _KO]
BATCH_CONTENT: dict[str, Any] = {
    "application/json": {
        "schema": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1000,
            "items": {"$ref": "#/components/schemas/BatchReportIn"},
        },
        "examples": {"five": {"summary": "One report per language", "value": _BATCH}},
    },
    "application/x-ndjson": {
        "schema": {"type": "string", "description": "One BatchReportIn per line."},
    },
}

_TEXTS = [
    {"text": row["item"]["text"], "language_hint": row["item"]["language_hint"]} for row in _BATCH
]
TEXTS: dict[str, Any] = {
    "five": {"summary": "One text per language", "value": {"texts": _TEXTS}},
    "one": {
        "summary": "One text, language unknown",
        "value": {"texts": [{"text": "See you at eight"}]},
    },
}


def _only(summary: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"example": {"summary": summary, "value": value}}


CLAIM_REQUESTS = _only(
    "Five cases, without one kind of content",
    {"n": 5, "languages": ["en"], "excluded_labels": ["self_harm"]},
)
RELEASES = _only("Not mine to judge", {"reason": "I know the author"})
HOLDS = _only(
    "Wait for a translation",
    {"until": "2026-03-02T10:00:00Z", "reason": "A colleague translates the thread"},
)
DECISIONS: dict[str, Any] = {
    "remove": {
        "summary": "A scam is removed",
        "value": {
            "claim_id": CLAIM_ID,
            "findings": {"deception_spam": "S2"},
            "action": "remove_content",
            "facts": "The link leads to a page that imitates a parcel service.",
            "explanation": "We removed your post because it asks for money under a false name.",
        },
    },
    "keep": {"summary": "Nothing is wrong", "value": {"claim_id": CLAIM_ID, "action": "no_action"}},
    "gap": {
        "summary": "The policy has no word for it",
        "value": {"claim_id": CLAIM_ID, "action": "no_action", "needs_classification": True},
    },
}
ESCALATIONS = _only(
    "Hand up to a named owner",
    {"owner": "lead-policy", "reason": "A public figure is involved", "claim_id": CLAIM_ID},
)
APPEALS = _only(
    "An author complains",
    {"complainant_ref": "author-1041", "grounds": "The link is that of my own shop."},
)
WITHDRAWALS = _only(
    "Reported by mistake", {"report_id": REPORT_ID, "reason": "The reporter chose the wrong post"}
)
