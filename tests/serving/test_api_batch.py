"""POST /v1/reports:batch: each report stands alone."""

import json
from typing import Any

import pytest

from tests.serving.bench import Bench, report_body
from triage_ml.domain.report import Item
from triage_ml.ports import Receipt

NDJSON = {"Content-Type": "application/x-ndjson"}


def ndjson(*rows: Any) -> bytes:
    return b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)


def test_a_batch_answers_each_report_in_order(bench: Bench) -> None:
    """One line per report with its status, and a receipt as a single report gets."""
    rows = [report_body(f"post-{n}") for n in range(30)]
    answer = bench.post("/v1/reports:batch", rows, scope="intake")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["n_accepted"], body["n_refused"]) == (30, 0)
    assert [line["index"] for line in body["results"]] == list(range(30))
    cases = {line["receipt"]["case_id"] for line in body["results"]}
    assert len(cases) == bench.n_stored() == 30


def test_one_bad_report_harms_no_other(bench: Bench) -> None:
    """Broken JSON, a bad field, a lone surrogate: each is refused alone, the rest is stored."""
    surrogate = json.dumps(report_body("post-4", text="\ud800")).encode()
    rows = [
        report_body("post-1"), b"{not json", {"item": {}}, surrogate, b"  ", report_body("post-5"),
    ]  # fmt: skip
    body = bench.post("/v1/reports:batch", content=ndjson(*rows), headers=NDJSON).json()
    assert [line["status"] for line in body["results"]] == [201, 400, 422, 422, 201]
    assert body["results"][3]["problem"]["errors"][0]["field"] == "item.text"
    assert (body["n_accepted"], bench.n_stored()) == (2, 2)


DEEP = b"[" * 600 + b"]" * 600


def test_deep_nesting_harms_no_other(bench: Bench) -> None:
    """A line nested deeper than any report is malformed; the twenty around it are stored."""
    rows = [*(report_body(f"post-{n}") for n in range(10)), DEEP]
    rows += [report_body(f"post-{n}") for n in range(10, 20)]
    answer = bench.post("/v1/reports:batch", content=ndjson(*rows), headers=NDJSON)
    body = answer.json()
    assert answer.status_code == 200
    assert [line["status"] for line in body["results"]] == [201] * 10 + [400] + [201] * 10
    assert (body["n_accepted"], bench.n_stored()) == (20, 20)


@pytest.mark.parametrize("depth", range(100, 1_100, 50))
def test_an_array_is_read_or_refused_at_any_depth(bench: Bench, depth: int) -> None:
    """Between what we read and what the JSON library reads there is no gap to fall into."""
    rows = b"[" + b"[" * depth + b"]" * depth + b"," + json.dumps(report_body()).encode() + b"]"
    assert bench.post("/v1/reports:batch", content=rows).status_code in (200, 400)


def test_a_failure_nobody_foresaw_harms_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours in one report is that line's 500, without what the report said."""
    submit = bench.service.intake.submit

    async def fail(item: Item, *more: Any) -> Receipt:
        if item.item_id == "post-3":
            raise RuntimeError(item.text)
        return await submit(item, *more)

    monkeypatch.setattr(bench.service.intake, "submit", fail)
    answer = bench.post("/v1/reports:batch", [report_body(f"post-{n}") for n in range(20)])
    body = answer.json()
    assert [line["index"] for line in body["results"] if line["status"] == 500] == [3]
    assert body["results"][3]["problem"]["type"] == "/docs#internal"
    assert (body["n_accepted"], bench.n_stored()) == (19, 19)
    assert "loser" not in answer.text


def test_a_single_report_nested_too_deeply_is_malformed(bench: Bench) -> None:
    """It is the caller's mistake, not a failure of the service."""
    answer = bench.post("/v1/reports", content=DEEP)
    assert (answer.status_code, answer.json()["type"]) == (400, "/docs#malformed-body")


def test_a_bad_element_of_an_array_harms_no_other(bench: Bench) -> None:
    """The same holds for an array, also where a lone surrogate stands in one element."""
    rows = [report_body("post-1", text="\ud800"), 17, report_body("post-2")]
    content = json.dumps(rows).encode()
    body = bench.post("/v1/reports:batch", content=content).json()
    assert [line["status"] for line in body["results"]] == [422, 422, 201]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([report_body()]).encode()[:-1],
        b"",
        b'["\xff"]',
        b"[" * 100_000,
        b"[" + b"9" * 5_000 + b"]",
    ],
    ids=["cut off", "empty", "not utf-8", "nested too deeply", "endless number"],
)
def test_a_broken_array_is_refused_whole(bench: Bench, content: bytes) -> None:
    """Of an array that is not JSON nothing can be told apart, so nothing is stored."""
    answer = bench.post("/v1/reports:batch", content=content)
    assert (answer.status_code, answer.json()["type"]) == (400, "/docs#malformed-body")
    assert answer.json()["errors"][0]["field"] == "body"
    assert bench.n_stored() == 0


def test_more_than_a_thousand_reports_are_too_many(bench: Bench) -> None:
    """The limit is stated, and nothing of a longer batch is stored."""
    answer = bench.post("/v1/reports:batch", content=ndjson(*[b"{}"] * 1001), headers=NDJSON)
    assert answer.status_code == 413
    assert "1,000" in answer.json()["detail"]
    assert bench.n_stored() == 0


def test_an_empty_batch_and_a_single_object_are_refused(bench: Bench) -> None:
    """Both are mistakes of the caller, named as such."""
    assert bench.post("/v1/reports:batch", []).status_code == 422
    answer = bench.post("/v1/reports:batch", report_body())
    assert "array" in answer.json()["errors"][0]["reason"]


def test_a_batch_can_be_repeated(bench: Bench) -> None:
    """With a key per report a batch that was sent twice is stored once."""
    rows = [{**report_body(f"post-{n}"), "idempotency_key": f"key-{n}"} for n in range(3)]
    first = bench.post("/v1/reports:batch", rows).json()
    assert bench.post("/v1/reports:batch", rows).json() == first
    assert bench.n_stored() == 3


def test_a_key_means_the_same_in_a_batch_and_alone(bench: Bench) -> None:
    """A report sent alone is recognised when it comes again in a batch."""
    alone = bench.post("/v1/reports", report_body(), headers={"Idempotency-Key": "key-1"})
    rows = [{**report_body(), "idempotency_key": "key-1"}]
    line = bench.post("/v1/reports:batch", rows).json()["results"][0]
    assert line["receipt"] == alone.json()


def test_two_reports_on_one_item_share_a_case(bench: Bench) -> None:
    """Inside a batch reports join as they do one after another."""
    rows = [report_body(report_reporter_ref=f"reporter-{n}") for n in range(4)]
    results = bench.post("/v1/reports:batch", rows).json()["results"]
    assert len({line["receipt"]["case_id"] for line in results}) == 1
    assert [line["receipt"]["joined"] for line in results].count(False) == 1


def test_reports_on_one_item_are_accepted_in_the_batchs_order(bench: Bench) -> None:
    """The last line's text is the item's newest, and a repeated key refuses the later line."""
    rows = [report_body("post-1", text=f"version {n}") for n in range(20)]
    body = bench.post("/v1/reports:batch", rows, scope="intake").json()
    assert [line["receipt"]["joined"] for line in body["results"]] == [False] + [True] * 19
    case = bench.get(f"/v1/cases/{body['results'][0]['receipt']['case_id']}").json()
    assert case["item"]["text"] == "version 19"
    keyed = [{**report_body(f"post-{n}"), "idempotency_key": "k"} for n in (2, 3, 4)]
    answered = bench.post("/v1/reports:batch", keyed, scope="intake").json()["results"]
    assert [line["status"] for line in answered] == [201, 409, 409]


def test_a_key_for_a_whole_batch_is_refused(bench: Bench) -> None:
    """It would seem to make a repetition safe, and does not."""
    answer = bench.post("/v1/reports:batch", [report_body()], headers={"Idempotency-Key": "k"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert bench.n_stored() == 0


def test_a_byte_order_mark_costs_no_line(bench: Bench) -> None:
    """Files saved with one are read."""
    content = b"\xef\xbb\xbf" + ndjson(report_body())
    body = bench.post("/v1/reports:batch", content=content, headers=NDJSON).json()
    assert body["n_accepted"] == 1
