"""Shadow, canary, promotion and the guard: PostgreSQL, real artifacts, reports all the while."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from serving.app import open_service
from serving.metrics import Metrics
from serving.settings import Settings
from serving.worker import Worker
from tests.serving.bench import report_body
from tests.serving.test_model_swap import metric, version, wait_for
from tests.serving.test_whole_service import serving
from tests.serving.trials import (
    GOOD,
    LOUD,
    Trials,
    counted,
    make_sick,
    on_trial,
    report,
    text_of,
    under_load,
    until,
)
from triage_ml.domain.guard import GuardLimits
from triage_ml.domain.rollout import is_its_own
from triage_ml.workflow import shadow

pytest.importorskip("onnx", reason="writing an artifact needs the training extra")


@pytest.fixture
def models(database_url, tmp_path, monkeypatch) -> Trials:
    """`champion` is live, `calm` and `loud` are published."""
    soon = timedelta(milliseconds=100)
    monkeypatch.setattr("serving.worker.GUARD_EVERY", soon)
    monkeypatch.setattr("serving.worker.IDLE", soon)
    monkeypatch.setattr(shadow, "FLUSH_EVERY", soon)
    found = Trials(database_url, tmp_path / "artifacts")
    found.go_live("champion")
    found.publish("calm", rest_logit=GOOD)
    found.publish("loud", rest_logit=LOUD)
    return found


@pytest.fixture
def settings(database_url, tmp_path) -> dict[str, Any]:
    return {"database_url": database_url, "data_dir": tmp_path / "data"}


@pytest.fixture
def rounds_more(monkeypatch) -> Callable[[int], None]:
    """Wait until the guard of every server has looked so many times more."""
    n_looks: Counter[Worker] = Counter()
    guard_round = Worker.guard_round

    async def counted(worker: Worker) -> int:
        found = await guard_round(worker)
        n_looks[worker] += 1
        return found

    def wait(n: int) -> None:
        until(lambda: n_looks)
        before = Counter(n_looks)
        until(lambda: all(n_looks[each] >= before[each] + n for each in before))

    monkeypatch.setattr(Worker, "guard_round", counted)
    return wait


def test_a_shadow_scores_what_was_stored_and_places_nothing(models, settings):
    """Each text once by either, with its version; receipts are the live model's alone."""
    with serving(**settings) as client:
        before = report(client, "w1 w2")
        models.shadow("loud")
        until(lambda: on_trial(client) == "shadow loud")
        receipts = [report(client, text_of(n)) for n in range(15)]
        until(lambda: models.arms().get(("shadow", "loud"), 0) == 15)
        assert {row["queue"] for row in receipts} == {before["queue"]}
        assert {row["tier"] for row in receipts} == {before["tier"]}
        pairs = models.rows(
            "SELECT count(*) AS n FROM score a JOIN score b USING (case_id, version_sha256)"
            " WHERE a.arm = 'live' AND b.arm = 'shadow' AND b.p_violation > a.p_violation"
        )
        assert pairs == [{"n": 15}]
        assert counted(client, 'triage_challenger_texts_total{outcome="scored"}') == 15
        assert 'stage="shadow",version="loud"' in client.get("/metrics").text


def test_a_canary_places_its_share_and_the_rest_is_shadowed(models, settings):
    """The same text always meets the same model; what is only scored is the live one's."""
    with serving(**settings) as client:
        models.canary("calm", 0.5)
        until(lambda: on_trial(client) == "canary calm")
        texts = [text_of(n) for n in range(30)]
        own = {text for text in texts if is_its_own(text, "calm", 0.5)}
        for _ in range(2):
            for text in texts:
                by = report(client, text)["model_version"]
                assert by == ("calm" if text in own else "champion")
        until(lambda: models.arms().get(("shadow", "calm"), 0) == 2 * (30 - len(own)))
        assert models.arms()["canary", "calm"] == 2 * len(own)
        rows = [{"text": text} for text in texts]
        scored = client.post("/v1/score", json={"texts": rows}).json()
        assert scored["model_version"] == "champion"


@pytest.mark.parametrize("seconds", [None, 0.6], ids=["failing", "late"])
def test_a_canary_that_does_not_answer_costs_no_report(models, settings, monkeypatch, seconds):
    """The live model answers in its place, within the deadline, and the guard ends the trial."""
    make_sick(monkeypatch, "calm", seconds)
    with serving(**settings, score_deadline="1s") as client:
        models.canary("calm", 0.5)
        until(lambda: on_trial(client) == "canary calm")
        with under_load(client) as receipts:
            until(lambda: models.newest()["stage"] == "ended")
            until(lambda: on_trial(client) is None)
        assert {row["model_version"] for row in receipts} == {"champion"}
        assert counted(client, "triage_challenger_fallbacks_total") >= 5
        assert models.newest()["made_by"] == "guard"
        assert "limit broken" in models.newest()["reason"]


def test_a_slow_shadow_is_not_waited_for(models, settings, monkeypatch):
    """Under pressure texts are dropped and counted; reports stay as quick as they were."""
    monkeypatch.setattr(shadow, "MAX_WAITING", 4)
    make_sick(monkeypatch, "calm", 0.5)

    def seconds_of(n: int) -> float:
        began = time.perf_counter()
        report(client)
        return time.perf_counter() - began

    with serving(**settings) as client:
        alone = sorted(seconds_of(n) for n in range(20))
        models.shadow("calm", GuardLimits(min_texts=10_000))
        until(lambda: on_trial(client) == "shadow calm")
        beside = sorted(seconds_of(n) for n in range(40))
        assert beside[20] < max(3 * alone[10], 0.25)  # under half of what a shadow's text takes
        assert counted(client, 'triage_challenger_texts_total{outcome="dropped"}') >= 30
        tally = models.rows("SELECT n FROM rollout_tally WHERE outcome = 'dropped'")
        until(lambda: tally or models.rows("SELECT n FROM rollout_tally WHERE n > 0"))


def test_a_good_model_goes_all_the_way_and_bad_ones_are_rolled_back(models, settings):
    """Under load from the first stage to the last; no report fails or goes without scores."""
    with serving(**settings) as client, under_load(client) as receipts:
        models.shadow("calm")
        until(lambda: models.arms().get(("shadow", "calm"), 0) > 20)
        models.canary("calm", 0.3)
        until(lambda: models.arms().get(("canary", "calm"), 0) > 20)
        models.promote("calm")
        wait_for(client, "calm")
        until(lambda: on_trial(client) == "probation champion")
        assert models.newest()["stage"] == "probation"
        models.end()
        until(lambda: on_trial(client) is None)

        models.canary("loud", 0.3)
        until(lambda: models.newest()["stage"] == "ended" and models.newest()["version"] == "loud")
        assert models.newest()["made_by"] == "guard"
        until(lambda: on_trial(client) is None)
        assert version(client) == "calm"

        models.shadow("loud", GuardLimits(min_texts=100_000))
        models.promote("loud")
        wait_for(client, "loud")
        until(lambda: on_trial(client) == "probation calm")
        assert models.newest()["stage"] == "probation"
        models.damage(  # the limits of a probation are those of its trial
            "INSERT INTO model_rollout (version, against, stage, share, at, made_by, reason,"
            " limits) SELECT version, against, stage, share, now(), made_by, reason,"
            " limits || '{\"min_texts\": 20}' FROM model_rollout ORDER BY number DESC LIMIT 1"
        )
        wait_for(client, "calm")
        until(lambda: on_trial(client) is None)
    lives = models.rows("SELECT version, made_by FROM model_live ORDER BY number")
    assert [(row["version"], row["made_by"]) for row in lives] == [
        ("champion", "anna"),
        ("calm", "anna"),
        ("loud", "anna"),
        ("calm", "guard"),
    ]
    n_stored = models.rows("SELECT count(*) AS n FROM report")[0]["n"]
    assert n_stored == len(receipts) > 100


def test_a_corrupt_model_on_trial_is_refused_while_the_champion_serves(models, settings, capfd):
    """Log, metric and the trial say so; a sound one can be tried afterwards."""
    with serving(**settings) as client:
        models.damage(
            "UPDATE model_chunk SET bytes = 'x' WHERE version = 'loud' AND name = 'model.onnx'"
        )
        models.canary("loud", 0.5)
        refused = 'triage_challenger_changes_total{outcome="refused"}'
        until(lambda: metric(client, refused) == 1)
        assert {report(client)["model_version"] for _ in range(10)} == {"champion"}
        assert on_trial(client) is None
        until(lambda: models.rows("SELECT 1 FROM rollout_tally WHERE measure = 'refused'"))
        models.end()
        models.canary("calm", 0.5)
        until(lambda: on_trial(client) == "canary calm")
    assert "model on trial REFUSED" in "".join(capfd.readouterr())


def test_a_restart_goes_on_in_every_stage(models, settings):
    """Shadow, canary and probation are found again, and an ended trial is not."""
    stages = (
        (lambda: models.shadow("calm"), "shadow calm"),
        (lambda: models.canary("calm", 0.2), "canary calm"),
        (lambda: models.promote("calm"), "probation champion"),
    )
    for step, expected in stages:
        step()
        with serving(**settings) as client:
            until(lambda expected=expected: on_trial(client) == expected)
            report(client)
            until(lambda: counted(client, "triage_challenger_texts_total") >= 1)
    models.end()
    with serving(**settings) as client:
        assert version(client) == "calm"
        report(client)
        assert counted(client, "triage_challenger_texts_total") == 0


def test_two_servers_share_a_trial_and_one_guard_acts(models, settings, tmp_path, rounds_more):
    """Both count into one tally, both go back, and the log has one line of it."""
    other = {**settings, "data_dir": tmp_path / "other"}
    with serving(**settings) as first, serving(**other) as second:
        models.canary("loud", 0.3)
        for client in (first, second):
            until(lambda client=client: on_trial(client) == "canary loud")
        with under_load(first, second, n_threads=1):
            until(lambda: models.newest()["stage"] == "ended")
            for client in (first, second):
                until(lambda client=client: on_trial(client) is None)
        rounds_more(2)  # of both guards
        ended = models.rows("SELECT made_by FROM model_rollout WHERE stage = 'ended'")
        assert [row["made_by"] for row in ended] == ["guard"]


def test_a_good_model_is_not_rolled_back(models, settings):
    """The guard looks ten times a second at a trial of a model that says the same."""
    models.publish("twin")
    with serving(**settings) as client:
        models.canary("twin", 0.3)
        until(lambda: on_trial(client) == "canary twin")
        with under_load(client):
            until(lambda: sum(models.arms().values()) > 300)
        assert models.newest()["stage"] == "canary"
        assert 0 <= counted(client, "triage_guard_closest") < 1


@pytest.mark.anyio
async def test_a_probation_that_is_over_ends_by_itself(models, settings, clock):
    """The new champion stays, and the log says that it passed."""
    import asyncio

    short = GuardLimits(probation_hours=1)
    await asyncio.to_thread(models.shadow, "calm", short)
    await asyncio.to_thread(models.promote, "calm")
    async with open_service(Settings(**settings), Metrics()) as service:
        await Worker(service, None).guard_round()
        assert (await service.rollout.state()).trial.stage == "probation"
        service.rollout._clock = clock
        clock.set(service.clock.now() + timedelta(hours=2))
        await Worker(service, None).guard_round()
        assert await service.rollout.state() is None
        newest = (await service.rollout.history())[0]
    assert (newest.by, newest.why[:16]) == ("guard", "probation passed")
    assert newest.limits == short


def test_a_set_folder_knows_no_trial(models, settings, rounds_more):
    """Who names a folder means it."""
    folder = models.artifact("mine").folder
    models.shadow("calm")
    with serving(**settings, model_dir=folder) as client:
        assert client.post("/v1/reports", json=report_body()).status_code == 201
        rounds_more(2)  # who follows trials has begun to by then
        assert on_trial(client) is None
