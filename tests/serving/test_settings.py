"""Settings from the environment."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from serving.settings import Settings

SIGN_ON = {
    "oidc_issuer": "https://id.example",
    "oidc_client_id": "triage",
    "oidc_client_secret": "hush",
    "public_url": "https://triage.example/",
}


@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [("500ms", 500), ("0.25", 250), ("2s", 2000), ("1m", 60_000), ("PT0.5S", 500)],
)
def test_a_deadline_may_be_written_in_several_ways(
    monkeypatch: pytest.MonkeyPatch, written: str, milliseconds: int
) -> None:
    """Milliseconds, seconds with or without a unit, minutes, ISO 8601."""
    monkeypatch.setenv("TRIAGE_SCORE_DEADLINE", written)
    assert Settings().score_deadline == timedelta(milliseconds=milliseconds)


@pytest.mark.parametrize(
    "bad",
    [
        {"score_deadline": "soon"},
        {"score_deadline": "0"},
        {"port": 70_000},
        {"webhook_url": "ftp://x", "webhook_secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="},
        {"webhook_url": "https://platform.example/hook"},
        {"webhook_url": "https://platform.example/hook", "webhook_secret": "whsec_"},
        {"log_format": "xml"},
        {"local_sign_in": False},
        {"oidc_issuer": "https://id.example"},
        {"public_url": "http://triage.example"},
        {"public_url": "https://triage.example/desk"},
        {**SIGN_ON, "oidc_issuer": "id.example"},
        {**SIGN_ON, "oidc_issuer": "http://id.example"},
        {**SIGN_ON, "oidc_issuer": "https://id.example?tenant=1"},
        {**SIGN_ON, "oidc_client_secret": None},
    ],
)
def test_a_setting_that_cannot_work_is_refused(bad: dict[str, object]) -> None:
    """At start, not at the first request."""
    with pytest.raises(ValidationError):
        Settings(**bad)


@pytest.mark.parametrize("missing", ["oidc_client_id", "public_url"])
def test_a_refused_setting_shows_no_other_ones_secret(missing: str) -> None:
    """What is missing is named; what else was set goes to no terminal and no log."""
    given = {**SIGN_ON, missing: None, "database_url": "postgresql://triage:hush@db/triage"}
    with pytest.raises(ValidationError, match=f"oidc_issuer needs {missing}") as caught:
        Settings(**given)
    assert "hush" not in str(caught.value)


def test_an_identity_provider_is_set_whole() -> None:
    """The secret does not show; on this machine plain http is good enough."""
    settings = Settings(**SIGN_ON, local_sign_in=False)
    assert settings.public_url == "https://triage.example"
    assert "hush" not in repr(settings)
    local = {"oidc_issuer": "http://127.0.0.1:9000", "public_url": "http://localhost:8000"}
    assert Settings(**{**SIGN_ON, **local}).public_url == "http://localhost:8000"


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the database's password nor the webhook's secret stand in a printed setting."""
    settings = Settings(
        database_url="postgresql://triage:hush@db/triage",
        webhook_url="https://platform.example/hook?token=hush",
        webhook_secret="whsec_aHVzaGh1c2hodXNoaHVzaA==",
    )
    assert "hush" not in repr(settings) + str(settings.model_dump())
    assert "aHVza" not in repr(settings)


def test_every_setting_is_described() -> None:
    """The reference of settings is made of these sentences."""
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
