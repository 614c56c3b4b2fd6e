"""DELETE /v1/items: the text goes, the case stays."""

from typing import Any
from uuid import UUID

from tests.serving.bench import Bench

ITEM = "/v1/items/post-1"


def test_an_items_text_is_erased_once(bench: Bench) -> None:
    """A second time is answered alike and changes nothing."""
    receipt = bench.report()
    item_id = bench.run(bench.store.get_case, _uuid(receipt)).item.item_id
    first = bench.call("DELETE", f"/v1/items/{item_id}?why=the+author+asked")
    assert (first.status_code, first.json()["n_versions"], first.json()["n_cases"]) == (200, 1, 1)
    again = bench.call("DELETE", f"/v1/items/{item_id}")
    assert (again.status_code, again.json()["n_versions"]) == (200, 0)
    assert again.json()["erased_at"] == first.json()["erased_at"]
    case = bench.get(f"/v1/cases/{receipt['case_id']}").json()
    assert (case["item"]["text"], case["item"]["context"], case["versions"]) == ("", [], [])
    assert case["item"]["erased_at"] == first.json()["erased_at"]
    log = bench.get(f"/v1/cases/{receipt['case_id']}/events").json()["events"]
    assert log[-1]["step"] == "erased"
    assert log[-1]["detail"] == {"reason": "the author asked"}
    assert "triage_erasures_total 1.0" in bench.get("/metrics").text


def test_an_unknown_item_is_not_found(bench: Bench) -> None:
    """Also one whose name holds signs that a path has."""
    for item_id in ("nobody", "a/b%3Fc"):
        answer = bench.call("DELETE", f"/v1/items/{item_id}")
        assert (answer.status_code, answer.json()["type"]) == (404, "/docs#not-found")


def test_an_item_may_be_named_like_a_path(bench: Bench) -> None:
    """The id is whatever the platform calls it."""
    bench.report(item_id="posts/2026/7")
    assert bench.call("DELETE", "/v1/items/posts/2026/7").status_code == 200


def test_an_empty_reason_is_named(bench: Bench) -> None:
    bench.report()
    answer = bench.call("DELETE", f"{ITEM}?why=+")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "why"


def test_a_decision_on_an_erased_text_is_a_conflict(bench: Bench) -> None:
    """But for closing the case without a finding."""
    receipt = bench.report()
    claimed = bench.claim()
    case = bench.run(bench.store.get_case, _uuid(receipt))
    bench.call("DELETE", f"/v1/items/{case.item.item_id}")
    path = f"/v1/cases/{receipt['case_id']}/decision"
    body = {
        "claim_id": claimed["claim"]["claim_id"],
        "findings": {"harassment": "S2"},
        "action": "remove_content",
        "explanation": "clause 1",
    }
    refused = bench.post(path, body, scope="review")
    assert (refused.status_code, refused.json()["type"]) == (409, "/docs#content-erased")
    closing = {"claim_id": body["claim_id"], "action": "no_action"}
    assert bench.post(path, closing, scope="review").status_code == 200


def test_what_a_form_asked_is_kept_with_the_decision(bench: Bench) -> None:
    """In the case and in its log."""
    receipt = bench.report()
    claimed = bench.claim()
    body = {
        "claim_id": claimed["claim"]["claim_id"],
        "action": "no_action",
        "asked": ["hate", "harassment"],
    }
    path = f"/v1/cases/{receipt['case_id']}"
    assert bench.post(f"{path}/decision", body, scope="review").status_code == 200
    assert bench.get(path).json()["decision"]["asked"] == ["harassment", "hate"]
    log = bench.get(f"{path}/events").json()["events"]
    assert log[-1]["detail"]["asked"] == ["harassment", "hate"]
    wrong = bench.post(f"{path}/decision", {**body, "asked": ["nonsense"]}, scope="review")
    assert wrong.status_code == 422


def _uuid(receipt: dict[str, Any]) -> UUID:
    return UUID(receipt["case_id"])
