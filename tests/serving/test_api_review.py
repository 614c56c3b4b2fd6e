"""What reviewers do: queues, claims, decisions, escalation, appeal, withdrawal."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.serving.bench import Bench

KEEP = {"action": "no_action"}
REMOVE = {
    "action": "remove_content",
    "findings": {"harassment": "S2"},
    "facts": "Calls a member of the group a loser.",
    "explanation": "We removed your comment because it insults another member.",
}
ABSENT = "0198c0de-0000-7000-8000-00000000dead"


def decide(bench: Bench, claimed: dict[str, Any], verdict: dict[str, Any], **more: Any) -> Any:
    body = {"claim_id": claimed["claim"]["claim_id"], **verdict}
    return bench.post(
        f"/v1/cases/{claimed['case']['case_id']}/decision", body, **{"scope": "review", **more}
    )


def test_a_claim_gives_the_item_and_a_lease(bench: Bench) -> None:
    """A reviewer sees text, scores and reports' reasons, and until when the case is theirs."""
    receipt = bench.report()
    claimed = bench.claim()
    assert claimed["case"]["case_id"] == receipt["case_id"]
    assert claimed["case"]["item"]["text"] == "You are a loser."
    assert claimed["claim"]["reviewer"] == "key-review"
    assert claimed["claim"]["lease_expires_at"] == "2026-01-05T09:10:00Z"
    assert claimed["case"]["state"] == "claimed"
    assert "reporter-1" not in str(claimed)


def test_a_claimed_case_is_nobody_elses(bench: Bench) -> None:
    """The next claim gets nothing, until the lease runs out."""
    bench.report()
    bench.claim()
    path = "/v1/queues/std-en-safety/claims"
    assert bench.post(path, {}).json() == {"claims": []}
    bench.clock.advance(timedelta(minutes=11))
    assert len(bench.post(path, {}).json()["claims"]) == 1


def test_claims_can_leave_out_languages_and_labels(bench: Bench) -> None:
    """Reviewers choose their languages and what they do not want to read."""
    bench.report()
    path = "/v1/queues/std-en-safety/claims"
    for unwanted in ({"languages": ["ko"]}, {"excluded_labels": ["harassment"]}):
        assert bench.post(path, unwanted).json() == {"claims": []}
    assert len(bench.post(path, {"n": 5, "languages": ["en"]}).json()["claims"]) == 1


@pytest.mark.parametrize("n", [0, 51])
def test_a_claim_of_no_or_too_many_cases_is_refused(bench: Bench, n: int) -> None:
    """The bounds are those of the use case."""
    answer = bench.post("/v1/queues/std-en-safety/claims", {"n": n})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "n")


def test_an_unknown_queue_is_not_found(bench: Bench) -> None:
    """A misspelt queue is no empty queue."""
    answer = bench.post("/v1/queues/std-en-safty/claims", {})
    assert (answer.status_code, answer.json()["type"]) == (404, "/docs#not-found")


def test_a_decision_closes_the_case(bench: Bench) -> None:
    """The case keeps verdict, reviewer, policy version and category; a second one is refused."""
    bench.report()
    claimed = bench.claim()
    answer = decide(bench, claimed, REMOVE)
    assert (answer.status_code, answer.json()["state"]) == (200, "decided")
    case = bench.get(f"/v1/cases/{claimed['case']['case_id']}").json()
    assert case["decision"]["findings"] == {"harassment": "S2"}
    assert case["decision"]["reviewer"] == "key-review"
    assert case["decision"]["dsa_category"] == "CYBER_VIOLENCE"
    again = decide(bench, claimed, KEEP)
    assert (again.status_code, again.json()["type"]) == (409, "/docs#illegal-transition")
    assert 'triage_decisions_total{action="remove_content"} 1.0' in bench.get("/metrics").text


@pytest.mark.parametrize(
    ("verdict", "field"),
    [
        ({"action": "remove_content"}, "action"),
        ({**REMOVE, "explanation": " "}, "explanation"),
        ({**REMOVE, "needs_classification": True}, "action"),
        ({**REMOVE, "facts": "a\0b"}, "facts"),
        ({**REMOVE, "findings": {"harassment": "S9"}}, "findings.harassment"),
        ({**REMOVE, "findings": {"rudeness": "S1"}}, "findings.rudeness"),
        ({"action": "delete"}, "action"),
    ],
)
def test_a_verdict_that_does_not_hold_together_is_refused(
    bench: Bench, verdict: dict[str, Any], field: str
) -> None:
    """The field is named, and the case stays claimed."""
    bench.report()
    claimed = bench.claim()
    answer = decide(bench, claimed, verdict)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    case = bench.get(f"/v1/cases/{claimed['case']['case_id']}").json()
    assert (case["state"], case["decision"]) == ("claimed", None)


def test_too_long_facts_are_too_large(bench: Bench) -> None:
    """The limit of the statement of reasons is 413 like every other length."""
    bench.report()
    answer = decide(bench, bench.claim(), {**REMOVE, "facts": "x" * 5_001})
    assert answer.status_code == 413


def test_a_case_the_policy_has_no_word_for_moves_to_its_queue(bench: Bench) -> None:
    """It is not decided but sent on."""
    bench.report()
    status = decide(bench, bench.claim(), {**KEEP, "needs_classification": True}).json()
    assert (status["state"], status["queue"]) == ("queued", "policy-gap")


def test_a_lease_that_ended_is_gone(bench: Bench) -> None:
    """Renewing, releasing and deciding after the end of the lease is 410."""
    bench.report()
    claimed = bench.claim()
    claim = f"/v1/claims/{claimed['claim']['claim_id']}"
    bench.clock.advance(timedelta(minutes=10))
    late = [
        bench.post(f"{claim}/renew", scope="review"),
        bench.post(f"{claim}/release", {"reason": "late"}, scope="review"),
        decide(bench, claimed, KEEP),
    ]
    assert {(row.status_code, row.json()["type"]) for row in late} == {(410, "/docs#lease-expired")}


def test_a_renewed_lease_lasts_longer(bench: Bench) -> None:
    """Renewing gives a full lease from now."""
    bench.report()
    claim_id = bench.claim()["claim"]["claim_id"]
    bench.clock.advance(timedelta(minutes=5))
    lease = bench.post(f"/v1/claims/{claim_id}/renew", scope="review").json()
    assert lease["lease_expires_at"] == "2026-01-05T09:15:00Z"


def test_a_released_case_is_back_in_its_queue(bench: Bench) -> None:
    """Released with a reason, the next reviewer can claim it."""
    bench.report()
    claim_id = bench.claim()["claim"]["claim_id"]
    assert bench.post(f"/v1/claims/{claim_id}/release", {"reason": " "}, scope="review").is_error
    answer = bench.post(f"/v1/claims/{claim_id}/release", {"reason": "known to me"}, scope="review")
    assert answer.json()["state"] == "queued"
    bench.claim(scope="lead")


def test_a_claim_is_of_who_made_it(bench: Bench) -> None:
    """Another reviewer's key cannot use a claim."""
    bench.report()
    assert decide(bench, bench.claim(), KEEP, scope="lead").status_code == 410


def test_an_escalated_case_has_an_owner(bench: Bench) -> None:
    """Handing up moves the case to the escalation queue, at least to T2."""
    bench.report()
    claimed = bench.claim()
    path = f"/v1/cases/{claimed['case']['case_id']}/escalation"
    body = {"owner": "key-lead", "reason": "A public figure"}
    refused = bench.post(path, body, scope="review")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "claim_id")
    body["claim_id"] = claimed["claim"]["claim_id"]
    status = bench.post(path, body, scope="review").json()
    assert (status["queue"], status["owner"], status["tier"]) == ("escalation", "key-lead", "T2")


def test_nothing_is_found_under_an_unknown_id(bench: Bench) -> None:
    """Cases, claims and reports that do not exist are 404."""
    case = f"/v1/cases/{ABSENT}"
    answers = [
        bench.get(case), bench.get(f"{case}/events"), bench.get(f"{case}/priority"),
        bench.post(f"{case}/decision", {"claim_id": ABSENT, **KEEP}),
        bench.post(f"{case}/escalation", {"owner": "lead", "reason": "x"}),
        bench.post(f"{case}/appeal", {"complainant_ref": "a", "grounds": "x"}),
        bench.post(f"{case}/withdrawal", {"report_id": ABSENT, "reason": "x"}),
        bench.post(f"/v1/claims/{ABSENT}/renew"),
        bench.post(f"/v1/claims/{ABSENT}/release", {"reason": "x"}),
        bench.post(f"/v1/claims/{ABSENT}/hold", {"reason": "x", "until": "2026-01-05T09:30:00Z"}),
    ]  # fmt: skip
    assert {answer.status_code for answer in answers} == {404}


def test_an_appeal_goes_to_another_reviewer(bench: Bench) -> None:
    """A decided case is reopened once, and its first decider never gets it."""
    bench.report()
    claimed = bench.claim()
    path = f"/v1/cases/{claimed['case']['case_id']}/appeal"
    body = {"complainant_ref": "author-1", "grounds": "It was a quote."}
    early = bench.post(path, body, scope="intake")
    assert (early.status_code, early.json()["type"]) == (409, "/docs#illegal-transition")
    decide(bench, claimed, REMOVE)
    status = bench.post(path, body, scope="intake").json()
    assert (status["state"], status["stage"], status["queue"]) == ("queued", "appeal", "appeal")
    assert bench.post("/v1/queues/appeal/claims", {}, scope="review").json() == {"claims": []}
    assert decide(bench, bench.claim("appeal", scope="lead"), KEEP, scope="lead").is_success
    assert bench.post(path, body, scope="intake").status_code == 409


def test_the_last_withdrawn_report_closes_its_case(bench: Bench) -> None:
    """A report is taken back once; with none left the case is withdrawn."""
    first, second = bench.report(), bench.report(report_reporter_ref="reporter-2")
    path = f"/v1/cases/{first['case_id']}/withdrawal"
    body = {"report_id": first["report_id"], "reason": "by mistake"}
    assert bench.post(path, body, scope="intake").json()["state"] == "queued"
    again = bench.post(path, body, scope="intake")
    assert (again.status_code, again.json()["type"]) == (409, "/docs#conflict")
    body["report_id"] = second["report_id"]
    assert bench.post(path, body, scope="intake").json()["state"] == "withdrawn"
    assert bench.post(path, {**body, "report_id": str(uuid4())}).is_error


def test_the_log_names_who_did_what(bench: Bench) -> None:
    """Every step is there in order, with its actor and both states."""
    bench.report()
    claimed = bench.claim()
    decide(bench, claimed, REMOVE)
    log = bench.get(f"/v1/cases/{claimed['case']['case_id']}/events").json()["events"]
    assert [(row["step"], row["actor"], row["to_state"]) for row in log] == [
        ("reported", "key-admin", "received"),
        ("routed", "key-admin", "queued"),
        ("claimed", "key-review", "claimed"),
        ("decided", "key-review", "decided"),
    ]


def test_a_long_log_is_read_in_pages(bench: Bench) -> None:
    """Each page says after which line the next one begins; together they are the whole log."""
    receipt = bench.report()
    path = f"/v1/cases/{receipt['case_id']}/events"
    for _ in range(3):
        claimed = bench.claim()
        bench.post(
            f"/v1/claims/{claimed['claim']['claim_id']}/release",
            {"reason": "not mine"},
            scope="review",
        )
    whole = bench.get(path).json()
    assert (len(whole["events"]), whole["next_after"]) == (8, None)
    first = bench.get(f"{path}?limit=5").json()
    rest = bench.get(f"{path}?limit=3&after={first['next_after']}").json()
    assert first["events"] + rest["events"] == whole["events"]
    assert rest["next_after"] is None
    last = whole["events"][-1]["sequence"]
    assert bench.get(f"{path}?after={last}").json()["events"] == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "after=-1", f"after={2**63}", "after=x"]
)
def test_a_wrong_page_is_named(bench: Bench, query: str) -> None:
    """Pages have a stated size, so that no answer is larger than a few hundred kilobytes."""
    answer = bench.get(f"/v1/cases/{bench.report()['case_id']}/events?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_the_priority_moves_with_time(bench: Bench) -> None:
    """The index of now has the base of the receipt, and an age that grew."""
    receipt = bench.report()
    bench.clock.advance(timedelta(hours=12))
    now = bench.get(f"/v1/cases/{receipt['case_id']}/priority").json()
    assert now["index"]["base"] == receipt["index"]["base"]
    assert now["index"]["age"] > receipt["index"]["age"] == 0
    assert [term["name"] for term in now["terms"]] == [term["name"] for term in receipt["terms"]]


def test_queues_show_their_depth(bench: Bench) -> None:
    """Depth by tier and language, claimed, breached and the oldest; empty queues too."""
    bench.report()
    bench.report(item_id="post-2", item_high_profile=True)
    bench.claim("escalation")
    bench.clock.advance(timedelta(days=2))
    queues = {row["queue"]: row for row in bench.get("/v1/queues").json()["queues"]}
    row = queues["std-en-safety"]
    assert (row["n_open"], row["n_breached"], row["by_language"]) == (1, 1, {"en": 1})
    assert row["by_tier"] == {"T3": 1}
    assert row["oldest_received_at"] == "2026-01-05T09:00:00Z"
    assert queues["std-ko-safety"]["n_open"] == 0
    assert 'triage_queue_cases{queue="std-en-safety",tier="T3"} 1.0' in bench.get("/metrics").text


def test_restricted_queues_need_their_scope(bench: Bench) -> None:
    """Child safety is neither listed, claimed nor read without the scope, not even by admin."""
    receipt = bench.report(report_reason="child_safety")
    assert receipt["queue"] == "child-safety"
    for scope in ("review", "admin"):
        listed = bench.get("/v1/queues", scope=scope).json()["queues"]
        assert "child-safety" not in {row["queue"] for row in listed}
        for answer in (
            bench.post("/v1/queues/child-safety/claims", {}, scope=scope),
            bench.get(f"/v1/cases/{receipt['case_id']}", scope=scope),
            bench.get(f"/v1/cases/{receipt['case_id']}/events", scope=scope),
            bench.get(f"/v1/cases/{receipt['case_id']}/priority", scope=scope),
        ):
            assert (answer.status_code, answer.json()["scope"]) == (403, "restricted")
    assert bench.claim("child-safety", scope="lead")["case"]["tier"] == "T0"


def test_a_case_shows_every_text_and_every_complaint(bench: Bench) -> None:
    """An edit throws no evidence away, and the second reviewer can read the appeal."""
    receipt = bench.report(text="You are a loser.")
    bench.report(text="You are wonderful.", report_reporter_ref="reporter-2")
    case = bench.get(f"/v1/cases/{receipt['case_id']}", scope="review").json()
    assert {version["text"] for version in case["versions"]} == {
        "You are a loser.",
        "You are wonderful.",
    }
    claimed = bench.claim()
    path = f"/v1/cases/{receipt['case_id']}"
    verdict = {"claim_id": claimed["claim"]["claim_id"], "action": "no_action"}
    assert bench.post(f"{path}/decision", verdict, scope="review").status_code == 200
    complaint = {"complainant_ref": "author-1", "grounds": "It was satire."}
    assert bench.post(f"{path}/appeal", complaint, scope="intake").status_code == 200
    [shown] = bench.get(path, scope="review").json()["appeals"]
    assert shown["grounds"] == "It was satire."
