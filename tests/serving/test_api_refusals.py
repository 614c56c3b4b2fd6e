"""What is refused: a clear problem each, and nothing half-written."""

import json
from typing import Any

import pytest

from tests.serving.bench import Bench, report_body

DEEP = b"[" * 100_000
SECRET = "the loser of this very text"


def body_with(**changes: Any) -> bytes:
    return json.dumps(report_body(text=SECRET, **changes)).encode()


def raw(old: bytes, new: bytes) -> bytes:
    """Change bytes of a good body, for what a JSON writer would not write."""
    good = body_with()
    assert old in good
    return good.replace(old, new, 1)


REFUSED = {
    "no body": (b"", 400, "body", "EOF"),
    "cut off": (body_with()[:-3], 400, "body", "EOF"),
    "not json": (b"id=1&text=x", 400, "body", "expected"),
    "not utf-8": (raw(b"post-1", b"post-\xff"), 400, "body", "unicode"),
    "nested too deeply": (DEEP, 400, "body", "recursion"),
    "another shape": (b"[]", 422, "body", "object"),
    "missing field": (b'{"report": {}}', 422, "item", "required"),
    "unknown field": (raw(b'"surface"', b'"surfacing"'), 422, "item.surfacing", "not a field"),
    "wrong type": (raw(b'"post-1"', b"17"), 422, "item.id", "string"),
    "empty text": (json.dumps(report_body(text="")).encode(), 422, "item.text", "visible"),
    "white space": (json.dumps(report_body(text=" \n\t ")).encode(), 422, "item.text", "visible"),
    "invisible text": (json.dumps(report_body(text="\u200b")).encode(), 422, "item.text", "no"),
    "nul byte": (raw(b"the loser", b"the\\u0000loser"), 422, "item.text", "NUL"),
    "lone surrogate": (raw(b"the loser", b"the\\ud800loser"), 422, "item.text", "surrogate"),
    "surrogate in a name": (raw(b'"item": {', b'"item": {"\\ud800": 1, '), 422, "item", "lone"),
    "surrogate in no json": (raw(b"the loser", b"the\\ud800loser")[:-1], 400, "body", "hex"),
    "surrogate in context": (
        body_with(item_context=[{"relation": "parent", "text": "\udc00"}]),
        422,
        "item.context[0].text",
        "surrogate",
    ),
    "too long text": (
        json.dumps(report_body(text="x" * 100_001)).encode(), 413, "item.text", "100,000"
    ),
    "too much context": (
        body_with(item_context=[{"relation": "quote", "text": "x"}] * 21), 413, "item.context", "20"
    ),
    "unknown source": (raw(b'"user"', b'"rumour"'), 422, "report.source", "trusted_flagger"),
    "unknown reason": (raw(b'"harassment"', b'"rude"'), 422, "report.reason", "hate"),
    "unknown language": (body_with(item_language_hint="tlh"), 422, "item.language_hint", "en"),
    "negative views": (body_with(item_views_per_hour=-1.0), 422, "item.views_per_hour", "least 0"),
    "views not a number": (
        body_with(item_views_per_hour=float("nan")), 422, "item.views_per_hour", "finite"
    ),
    "empty id": (body_with(item_id=""), 422, "item.id", "empty"),
    "padded author": (body_with(item_author_ref=" a "), 422, "item.author_ref", "white space"),
    "long reporter": (body_with(report_reporter_ref="r" * 201), 413, "report.reporter_ref", "200"),
    "bad jurisdiction": (body_with(report_jurisdiction="Bern"), 422, "report.jurisdiction", "DE"),
    "past deadline": (
        body_with(report_legal_deadline="2020-01-01T00:00Z"), 422, "report.legal_deadline", "past"
    ),
    "no time zone": (
        body_with(report_legal_deadline="2030-01-01T00:00:00"),
        422,
        "report.legal_deadline",
        "timezone",
    ),
    "not a date": (
        body_with(report_legal_deadline="soon"), 422, "report.legal_deadline", "datetime"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_report_is_refused_by_field_and_reason(bench: Bench, name: str) -> None:
    """Status, field and reason say what to correct; the text is not echoed, nothing is stored."""
    body, status, field, reason = REFUSED[name]
    answer = bench.post("/v1/reports", content=body)
    problem = answer.json()
    assert answer.status_code == problem["status"] == status, problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert [
        row for row in problem["errors"] if row["field"] == field and reason in row["reason"]
    ], problem
    assert SECRET not in answer.text
    assert bench.n_stored() == 0


def test_all_wrong_fields_are_named_at_once(bench: Bench) -> None:
    """Nobody has to send a body three times to learn of three mistakes."""
    body = {"item": {"id": 1, "text": 2, "surface": "post", "author_ref": "a"}, "report": {}}
    errors = bench.post("/v1/reports", body).json()["errors"]
    assert {row["field"] for row in errors} == {
        "item.id", "item.text", "report.reporter_ref", "report.source",
    }  # fmt: skip


def test_a_made_up_field_name_is_not_echoed(bench: Bench) -> None:
    """A field name can be item text by mistake, so only plain names are repeated."""
    answer = bench.post("/v1/reports", {**report_body(), SECRET: 1})
    assert answer.status_code == 422
    assert SECRET not in answer.text


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_an_unusable_idempotency_key_is_refused(bench: Bench, key: str) -> None:
    """The header is checked like any field."""
    answer = bench.post("/v1/reports", report_body(), headers={"Idempotency-Key": key})
    assert answer.status_code in (413, 422)
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert bench.n_stored() == 0


def test_an_unknown_path_and_a_wrong_method_are_problems(bench: Bench) -> None:
    """Also what no route answers is application/problem+json."""
    missing, wrong = bench.get("/v1/nothing"), bench.get("/v1/reports")
    assert (missing.status_code, wrong.status_code) == (404, 405)
    assert wrong.headers["allow"] == "POST"
    assert {missing.headers["content-type"], wrong.headers["content-type"]} == {
        "application/problem+json"
    }


def test_a_path_that_is_no_uuid_names_its_parameter(bench: Bench) -> None:
    """A case id that cannot be one is 422, not 404 or 500."""
    answer = bench.get("/v1/cases/17")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "case_id"


def test_what_nobody_foresaw_is_a_problem_without_its_message(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected error gives 500 with the request's name, and not what the error said."""

    async def broken(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(bench.service.intake, "submit", broken)
    answer = bench.post("/v1/reports", report_body())
    assert answer.status_code == 500
    assert answer.json()["instance"] == f"urn:request:{answer.headers['x-request-id']}"
    assert SECRET not in answer.text
