"""The OpenAPI document is complete, and the reference page needs nothing from outside."""

import re
from html import escape
from html.parser import HTMLParser
from typing import Any

import pytest
from pydantic import TypeAdapter

from serving.openapi import BODIES
from serving.reference import operations
from serving.schemas import answers, examples
from serving.schemas.reports import BatchReportIn
from tests.serving.bench import Bench
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES

BODY_OF = {model.__name__: model for model in BODIES}


@pytest.fixture
def document(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = bench.client.get("/openapi.json").json()
    return found


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    """Summary, description, scopes, a success and what can go wrong."""
    for method, path, op in operations(document):
        place = f"{method} {path}"
        assert op["summary"], place
        assert op["description"], place
        assert "security" in op, place
        assert any(status.startswith("2") for status in op["responses"]), place
        if op["security"]:
            assert {"401", "403", "503"} <= op["responses"].keys(), place
        if "requestBody" in op:
            assert {"400", "413", "422"} <= op["responses"].keys(), place


def test_every_operation_has_examples(document: dict[str, Any]) -> None:
    """A body has an example request, and every JSON answer an example answer."""
    for method, path, op in operations(document):
        body = op.get("requestBody", {}).get("content", {}).get("application/json")
        assert body is None or body["examples"], path
        good = next(row for status, row in op["responses"].items() if status.startswith("2"))
        if path != "/metrics":
            assert good["content"]["application/json"]["example"] is not None, f"{method} {path}"


def test_errors_are_problems(document: dict[str, Any]) -> None:
    """No operation documents another shape of error."""
    for _, path, op in operations(document):
        for status, row in op["responses"].items():
            if status[0] in "45":
                assert list(row["content"]) == ["application/problem+json"], (path, status)


def test_every_reference_of_the_document_is_there(document: dict[str, Any]) -> None:
    """Bodies that are parsed from raw bytes are described like the others."""
    named = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert named <= document["components"]["schemas"].keys()
    assert {model.__name__ for model in BODIES} <= named
    assert document["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"


def test_the_examples_speak_all_five_languages(document: dict[str, Any]) -> None:
    """Reporting and scoring are shown in every supported language."""
    shown = document["paths"]["/v1/reports"]["post"]["requestBody"]["content"]["application/json"]
    hints = {row["value"]["item"]["language_hint"] for row in shown["examples"].values()}
    assert hints == {language.value for language in SUPPORTED_LANGUAGES}


def test_example_requests_are_accepted_by_their_model(document: dict[str, Any]) -> None:
    """What the reference shows works."""
    for _, _, op in operations(document):
        body = op.get("requestBody", {}).get("content", {}).get("application/json", {})
        name = body.get("schema", {}).get("$ref", "").rsplit("/", 1)[-1]
        adapter = TypeAdapter(BODY_OF[name] if name else list[BatchReportIn])
        for row in body.get("examples", {}).values():
            adapter.validate_json(TypeAdapter(Any).dump_json(row["value"]))


def test_example_answers_have_the_shape_of_real_ones(bench: Bench) -> None:
    """Receipts, cases and leases are shown with exactly the fields they have."""
    receipt = bench.report(text="Pay the parcel fee", report_reason="deception_spam")
    assert receipt.keys() == answers.RECEIPT.keys()
    case = bench.get(f"/v1/cases/{receipt['case_id']}").json()
    assert case.keys() == answers.CASE.keys()
    claimed = bench.claim(receipt["queue"])
    assert claimed["claim"].keys() == answers.LEASE.keys()
    assert bench.get("/v1/model").json().keys() == answers.MODEL.keys()
    assert bench.get("/v1/queues").json()["queues"][0].keys() == answers.QUEUES["queues"][0].keys()
    events = bench.get(f"/v1/cases/{receipt['case_id']}/events").json()
    assert events.keys() == answers.EVENTS.keys()
    assert events["events"][0].keys() == answers.EVENTS["events"][0].keys()
    priority = bench.get(f"/v1/cases/{receipt['case_id']}/priority").json()
    assert priority.keys() == answers.PRIORITY.keys()


def test_example_reports_are_accepted(bench: Bench) -> None:
    """Each of the five can be sent as it stands."""
    for row in examples.REPORTS.values():
        assert bench.post("/v1/reports", row["value"]).status_code == 201


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.targets += [value or "" for name, value in attrs if name in ("href", "src")]
        self.ids += [value or "" for name, value in attrs if name == "id"]


def test_the_reference_needs_nothing_from_outside(bench: Bench) -> None:
    """No script, no address of another host, every inner link leads somewhere, a strict policy."""
    answer = bench.client.get("/docs")
    links = Links()
    links.feed(answer.text)
    assert not links.tags & {"script", "link", "img", "iframe"}
    assert all(target.startswith(("#", "/")) for target in links.targets)
    assert {target[1:] for target in links.targets if target[0] == "#"} <= set(links.ids)
    assert len(links.ids) == len(set(links.ids))
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_the_reference_shows_every_operation(bench: Bench, document: dict[str, Any]) -> None:
    """Summary, scopes, fields, a call to copy, answers and problems."""
    text = bench.client.get("/docs").text
    for _, path, op in operations(document):
        assert escape(op["summary"]) in text
        assert path in text
    assert "curl -X POST" in text
    assert "item.context[].relation" in text
    assert "너 같은 사람은" in text
    assert "id='lease-expired'" in text
    assert "case.appealed" in text


def test_the_root_leads_to_the_reference(bench: Bench) -> None:
    """Who opens the service in a browser finds something to read."""
    answer = bench.client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


def test_webhook_examples_hold_what_is_sent(document: dict[str, Any]) -> None:
    """Only a decision carries more than which case and item it is about."""
    for name, row in document["webhooks"].items():
        content = row["post"]["requestBody"]["content"]["application/json"]
        example = content["example"]
        assert example["type"] == name
        assert ("findings" in example["data"]) is (name == "case.decided")
        assert {"case_id", "item_id"} <= example["data"].keys()
