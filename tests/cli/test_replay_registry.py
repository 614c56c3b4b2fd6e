"""`triage replay` with a model that only the registry has."""

from tests.serving.bench import report_body
from tests.serving.test_whole_service import serving


def test_a_model_of_the_registry_is_fetched(two, triage, database, tmp_path):
    own = {"database_url": database, "data_dir": tmp_path / "data", "worker_in_server": False}
    with serving(**own, model_dir=tmp_path / "a" / "artifact") as client:
        answer = client.post("/v1/reports", json=report_body(text="w1 harassment")).json()
    (tmp_path / "a").rename(tmp_path / "moved")
    status, printed, _ = triage("replay", answer["case_id"])
    assert status == 0, printed
    assert "tiny-a (from the registry)" in printed
