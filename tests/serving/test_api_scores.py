"""Over the API: every score a case ever got."""

import pytest

from tests.serving.bench import Bench, policy_with
from triage_ml.testing import StubScorer


def test_scores_come_as_they_were_made_oldest_first(bench: Bench) -> None:
    case_id = bench.report()["case_id"]
    bench.service.scoring.scorer = StubScorer(version="stub-2")
    bench.report(text="You are a nice person.", report_reporter_ref="reporter-2")
    for scope in ("review", "ml", "admin"):
        told = bench.get(f"/v1/cases/{case_id}/scores", scope=scope).json()
        assert [row["model_version"] for row in told["scores"]] == ["stub-1", "stub-2"]
    first = told["scores"][0]
    assert first["labels"]["harassment"]["probability"] == 0.9
    assert (first["arm"], first["language"], first["n_chars"]) == ("live", "en", 16)
    assert "loser" not in str(told)


@pytest.mark.parametrize(("scope", "status"), [("intake", 403), ("restricted", 403)])
def test_other_scopes_do_not_read_them(bench: Bench, scope: str, status: int) -> None:
    path = f"/v1/cases/{bench.report()['case_id']}/scores"
    assert bench.get(path, scope=scope).status_code == status


def test_scores_of_a_restricted_case_need_its_scope(bench: Bench) -> None:
    path = f"/v1/cases/{bench.report(report_reason='child_safety')['case_id']}/scores"
    refused = bench.get(path, scope="ml")
    assert (refused.status_code, refused.json()["scope"]) == (403, "restricted")
    assert bench.get(path, scope="lead").json()["scores"]


def test_who_holds_a_case_blind_gets_none_and_everybody_else_does(make_bench) -> None:
    blind = make_bench(policy=policy_with(blind_share=1.0))
    path = f"/v1/cases/{blind.report()['case_id']}/scores"
    blind.claim()
    assert blind.get(path, scope="review").json()["scores"] is None
    assert blind.get(path, scope="ml").json()["scores"]


def test_an_unknown_case_is_not_found(bench: Bench) -> None:
    path = "/v1/cases/0198c0de-0000-7000-8000-000000000001/scores"
    assert bench.get(path, scope="ml").status_code == 404
