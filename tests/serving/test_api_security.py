"""Keys and scopes: each route opens to exactly the scopes it names."""

import itertools
from datetime import timedelta

import pytest

from serving.openapi import describe
from tests.serving.bench import Bench, report_body, secret_of
from tests.serving.conftest import MakeBench
from triage_ml.workflow.access import SCOPES

CASE = "/v1/cases/0198c0de-0000-7000-8000-000000000001"
CLAIM = "/v1/claims/0198c0de-0000-7000-8000-000000000002"
ROUTES = {
    ("POST", "/v1/reports"): {"intake"},
    ("POST", "/v1/reports:batch"): {"intake"},
    ("POST", "/v1/score"): {"intake", "ml"},
    ("GET", "/v1/model"): {"ml"},
    ("GET", "/v1/automated-means"): {"ml"},
    ("GET", "/v1/drift"): {"ml"},
    ("GET", CASE): {"review"},
    ("GET", f"{CASE}/events"): {"review"},
    ("GET", f"{CASE}/priority"): {"review"},
    ("GET", f"{CASE}/scores"): {"review", "ml"},
    ("POST", f"{CASE}/decision"): {"review"},
    ("POST", f"{CASE}/escalation"): {"review"},
    ("POST", f"{CASE}/appeal"): {"intake"},
    ("POST", f"{CASE}/withdrawal"): {"intake"},
    ("GET", "/v1/queues"): {"review"},
    ("POST", "/v1/queues/std-en-safety/claims"): {"review"},
    ("POST", f"{CLAIM}/renew"): {"review"},
    ("POST", f"{CLAIM}/release"): {"review"},
    ("POST", f"{CLAIM}/hold"): {"review"},
    ("DELETE", "/v1/items/post-1"): {"admin"},
}
OPEN = {"/livez", "/readyz", "/metrics"}


@pytest.mark.parametrize(("route", "scope"), list(itertools.product(ROUTES, SCOPES)))
def test_a_route_opens_to_its_scopes_alone(
    bench: Bench, route: tuple[str, str], scope: str
) -> None:
    """A key without the scope gets 403 with the scope's name; admin opens every route."""
    answer = bench.call(*route, body={} if route[0] == "POST" else None, scope=scope)
    if scope in ROUTES[route] | {"admin"}:
        assert answer.status_code not in (401, 403)
    else:
        assert answer.status_code == 403
        assert answer.json()["scope"] in ROUTES[route]
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer triage_unknown", "Basic dHJpYWdl", "triage_test-admin"]
)
def test_without_a_valid_key_nothing_opens(
    bench: Bench, route: tuple[str, str], header: str | None
) -> None:
    """No key, an unknown one or another kind of authorization is 401, and names the way."""
    headers = {} if header is None else {"Authorization": header}
    answer = bench.client.request(*route, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (401, "/docs#unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_the_matrix_above_is_complete(bench: Bench) -> None:
    """No operation is left out of the test of scopes, and the document states the same scopes."""
    stated = {
        (method.upper(), path): set(row["security"][0]["ApiKey"]) if row["security"] else set()
        for path, entry in describe(bench.client.app)["paths"].items()  # type: ignore[arg-type]
        for method, row in entry.items()
    }
    ids = {"{case_id}": CASE[-36:], "{claim_id}": CLAIM[-36:], "{queue}": "std-en-safety"}
    ids |= {"{item_id}": "post-1"}
    filled = {}
    for (method, path), scopes in stated.items():
        for name, value in ids.items():
            path = path.replace(name, value)
        filled[method, path] = scopes
    assert filled == {**ROUTES, **{("GET", path): set() for path in OPEN}}


def test_a_refused_report_is_not_read(bench: Bench) -> None:
    """Without the scope the body is not even looked at."""
    answer = bench.post("/v1/reports", content=b"{broken", scope="ml")
    assert answer.status_code == 403
    assert bench.n_stored() == 0


def test_a_revoked_key_ends_within_its_memory(make_bench: MakeBench) -> None:
    """A key is remembered for `key_ttl`, so that the hot path needs no look-up, and no longer."""
    bench = make_bench()
    seconds = 0.0
    bench.service.keys._seconds = lambda: seconds
    assert bench.get("/v1/queues", scope="review").is_success
    bench.run(bench.store.revoke_key, "key-review", bench.clock.now())
    seconds = 4.9
    assert bench.get("/v1/queues", scope="review").is_success
    seconds = 5.0
    assert bench.get("/v1/queues", scope="review").status_code == 401


def test_the_memory_of_keys_is_bounded(make_bench: MakeBench, monkeypatch: object) -> None:
    """Many keys do not grow it without end."""
    bench = make_bench()
    for number in range(5):
        bench.add_key(f"many-{number}", "review")
    monkeypatch.setattr("serving.security.MAX_REMEMBERED", 3)  # type: ignore[attr-defined]
    for number in range(5):
        assert bench.get("/v1/queues", scope=f"many-{number}").is_success
    assert len(bench.service.keys._known) <= 3


def test_keys_are_stored_hashed(bench: Bench) -> None:
    """What the store holds does not open anything."""
    assert all(secret_of(scope) not in str(bench.store._keys) for scope in SCOPES)


def test_the_reviewer_of_a_decision_is_the_key(bench: Bench) -> None:
    """Identity comes from the key; the body cannot claim another one."""
    bench.report()
    claimed = bench.claim()
    path = f"/v1/cases/{claimed['case']['case_id']}/decision"
    body = {"claim_id": claimed["claim"]["claim_id"], "action": "no_action"}
    forged = bench.post(path, {**body, "reviewer": "somebody"}, scope="review")
    assert forged.json()["errors"][0]["field"] == "reviewer"
    bench.clock.advance(timedelta(minutes=1))
    assert bench.post(path, body, scope="review").is_success
    case = bench.get(f"/v1/cases/{claimed['case']['case_id']}").json()
    assert case["decision"]["reviewer"] == "key-review"


def test_a_report_names_its_caller_in_the_log(bench: Bench) -> None:
    """The actor of a report's events is the key that sent it."""
    receipt = bench.post("/v1/reports", report_body(), scope="intake").json()
    log = bench.get(f"/v1/cases/{receipt['case_id']}/events").json()["events"]
    assert {event["actor"] for event in log} == {"key-intake"}
