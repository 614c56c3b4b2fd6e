"""Over the API: claims whose hints are withheld, holds, and owners of escalations."""

from datetime import timedelta
from typing import Any

import pytest

from tests.serving.bench import Bench, policy_with
from tests.serving.conftest import MakeBench

WITHHELD = (
    "labels",
    "p_violation",
    "n_windows",
    "model_version",
    "tier_reason",
    "route_reason",
)


@pytest.fixture
def blind(make_bench: MakeBench) -> Bench:
    """A service where every claim is decided without hints."""
    return make_bench(policy=policy_with(blind_share=1.0))


def hold(bench: Bench, claim_id: str, **changes: Any) -> Any:
    body = {"until": "2026-01-05T10:00:00Z", "reason": "a translation", **changes}
    return bench.post(f"/v1/claims/{claim_id}/hold", body, scope="review")


def test_a_blind_claim_comes_without_scores(blind: Bench) -> None:
    """The claim says why; item, reports' reasons and tier are there."""
    blind.report()
    claimed = blind.claim()
    assert claimed["claim"]["hints_withheld"] is True
    assert [claimed["case"][name] for name in WITHHELD] == [None] * len(WITHHELD)
    assert (claimed["case"]["tier"], claimed["case"]["item"]["text"]) == ("T3", "You are a loser.")


def test_only_the_holder_of_a_blind_claim_reads_the_case_without_scores(blind: Bench) -> None:
    """Until the lease ends or the case is decided."""
    path = f"/v1/cases/{blind.report()['case_id']}"
    blind.claim()
    case = blind.get(path, scope="review").json()
    assert [case[name] for name in WITHHELD] == [None] * len(WITHHELD)
    assert [row["reason"] for row in case["reports"]] == ["harassment"]
    for scope in ("lead", "admin"):
        assert blind.get(path, scope=scope).json()["labels"]["harassment"]["probability"] > 0.5
    blind.clock.advance(timedelta(minutes=10))
    assert blind.get(path, scope="review").json()["labels"]


def test_a_blind_decision_says_so_and_shows_what_was_withheld(blind: Bench) -> None:
    """In the case and in its log."""
    path = f"/v1/cases/{blind.report()['case_id']}"
    body = {"claim_id": blind.claim()["claim"]["claim_id"], "action": "no_action"}
    assert blind.post(f"{path}/decision", body, scope="review").is_success
    case = blind.get(path, scope="review").json()
    assert case["decision"]["hints_withheld"] is True
    assert case["labels"]
    assert case["tier_reason"]
    log = blind.get(f"{path}/events", scope="review").json()["events"]
    assert [row["detail"]["hints_withheld"] for row in log[-2:]] == [True, True]


def test_the_priority_tells_the_holder_of_a_blind_case_no_harm(blind: Bench) -> None:
    """What comes of views, reporters, circumstances and time stays."""
    path = f"/v1/cases/{blind.report()['case_id']}/priority"
    blind.claim()
    told = blind.get(path, scope="review").json()
    assert (told["tier_reason"], told["index"]) == (None, None)
    names = [term["name"] for term in told["terms"]]
    assert names == ["reach", "reporter", "context", "urgency", "age"]
    whole = blind.get(path, scope="lead").json()
    assert "harm.harassment" in {term["name"] for term in whole["terms"]}


def test_the_log_tells_the_holder_of_a_blind_case_no_reasons(blind: Bench) -> None:
    """Neither of the tier nor of the queue, nor the index."""
    path = f"/v1/cases/{blind.report()['case_id']}/events"
    blind.claim()
    assert "tier_reason" not in blind.get(path, scope="review").text
    assert "tier_reason" in blind.get(path, scope="lead").text


def test_an_ordinary_claim_has_its_scores(bench: Bench) -> None:
    """Nothing is left out where nothing is withheld."""
    bench.report()
    claimed = bench.claim()
    assert claimed["claim"]["hints_withheld"] is False
    assert all(claimed["case"][name] is not None for name in WITHHELD)


def test_a_held_claim_lasts(bench: Bench) -> None:
    """The lease ends with the hold, and an earlier renewal does not change that."""
    bench.report()
    claim_id = bench.claim()["claim"]["claim_id"]
    lease = hold(bench, claim_id).json()
    assert lease["lease_expires_at"] == lease["held_until"] == "2026-01-05T10:00:00Z"
    bench.clock.advance(timedelta(minutes=20))
    assert bench.post("/v1/queues/std-en-safety/claims", {}).json() == {"claims": []}
    renewed = bench.post(f"/v1/claims/{claim_id}/renew", scope="review").json()
    assert renewed["lease_expires_at"] == "2026-01-05T10:00:00Z"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("until", "2026-01-05T08:59:00Z"),
        ("until", "2026-01-05T13:00:01Z"),
        ("until", "2026-01-05T10:00:00"),
        ("until", "soon"),
        ("until", None),
        ("reason", " "),
        ("reason", None),
        ("minutes", 15),
    ],
)
def test_a_hold_that_cannot_be_is_refused(bench: Bench, field: str, value: Any) -> None:
    """In the past, too long, without a zone, unreadable, without a reason; nothing changes."""
    bench.report()
    claimed = bench.claim()
    answer = hold(bench, claimed["claim"]["claim_id"], **{field: value})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    case = bench.get(f"/v1/cases/{claimed['case']['case_id']}").json()
    assert case["claim"] == claimed["claim"]


def test_the_longest_hold_is_a_setting(make_bench: MakeBench) -> None:
    """Four hours unless it says otherwise."""
    bench = make_bench(settings={"hold_max": timedelta(minutes=30)})
    bench.report()
    claim_id = bench.claim()["claim"]["claim_id"]
    assert hold(bench, claim_id).status_code == 422
    assert hold(bench, claim_id, until="2026-01-05T09:30:00Z").is_success


def test_somebody_elses_or_a_late_hold_is_gone(bench: Bench) -> None:
    """Only the holder of a running lease keeps a case."""
    bench.report()
    claim_id = bench.claim(scope="lead")["claim"]["claim_id"]
    assert hold(bench, claim_id).status_code == 410


@pytest.mark.parametrize("owner", ["nobody", "key-intake"])
def test_a_case_is_handed_only_to_who_can_review(bench: Bench, owner: str) -> None:
    """A wrong name would leave it to nobody; the case stays where it is."""
    path = f"/v1/cases/{bench.report()['case_id']}"
    answer = bench.post(f"{path}/escalation", {"owner": owner, "reason": "A public figure"})
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (422, "owner")
    assert error["reason"] == "is no account that can review"
    assert bench.get(path).json()["owner"] is None
