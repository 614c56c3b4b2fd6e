"""Every setting, read from the environment as TRIAGE_<NAME>."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from standardwebhooks import Webhook

_UNITS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _duration(value: object) -> object:
    """Read `500ms`, `0.5`, `10s`, `2m`, `1h`, `30d`; leave the rest, as PT1S, to pydantic."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|)\s*", str(value))
    if found is None:
        return value
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]])


Duration = Annotated[timedelta, BeforeValidator(_duration)]


class Settings(BaseSettings):
    """How a deployment differs from the defaults."""

    # An error about several settings would show all of them, with their secrets.
    model_config = SettingsConfigDict(
        env_prefix="TRIAGE_", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    database_url: SecretStr | None = Field(
        None, description="PostgreSQL to use; without it one is started inside `data_dir`."
    )
    data_dir: Path = Field(
        Path("var"),
        description="Folder of the built-in PostgreSQL's files and of downloaded models.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    policy_dir: Path | None = Field(
        None, description="Folder of policy files; without it the shipped policy applies."
    )
    model_dir: Path | None = Field(
        None,
        description="Folder of the model artifact; without it the live model of the database is "
        "followed, or the shipped one is loaded.",
    )
    score_deadline: Duration = Field(
        timedelta(milliseconds=500),
        gt=timedelta(0),
        le=timedelta(minutes=1),
        description="How long a report waits for the model before it is queued without scores.",
    )
    score_patience: Duration = Field(
        timedelta(milliseconds=200),
        gt=timedelta(0),
        le=timedelta(minutes=1),
        description="If a single text would wait for the model for longer, it is answered 429 at "
        "once, and a report is queued without scores at once.",
    )
    score_threads: int = Field(2, ge=1, le=64, description="Threads that run the model.")
    max_waiting_scores: int = Field(
        64, ge=1, le=10_000, description="Texts that may wait for the model at once."
    )
    lease: Duration = Field(
        timedelta(minutes=10),
        ge=timedelta(seconds=1),
        le=timedelta(hours=8),
        description="How long a claim lasts until it must be renewed.",
    )
    hold_max: Duration = Field(
        timedelta(hours=4),
        ge=timedelta(minutes=15),
        le=timedelta(days=1),
        description="How long a claim may be held at most while a reviewer waits for something; "
        "never beyond the time at which the case is due.",
    )
    max_body_bytes: int = Field(
        2 * 2**20, ge=1024, le=2**30, description="Largest body of one request, in bytes."
    )
    max_bulk_body_bytes: int = Field(
        16 * 2**20,
        ge=1024,
        le=2**30,
        description="Largest body of a batch of reports or texts, in bytes.",
    )
    body_timeout: Duration = Field(
        timedelta(seconds=10),
        gt=timedelta(0),
        le=timedelta(minutes=10),
        description="How long a request's body may take to arrive; then it is answered 408.",
    )
    max_in_flight: int = Field(
        64, ge=1, le=10_000, description="Intake requests worked on at once; more are answered 429."
    )
    key_ttl: Duration = Field(
        timedelta(seconds=5),
        ge=timedelta(0),
        le=timedelta(minutes=5),
        description="How long a checked API key is remembered; a revoked one works that long.",
    )
    session: Duration = Field(
        timedelta(hours=12),
        ge=timedelta(minutes=5),
        le=timedelta(days=30),
        description="How long a person stays signed in to the console at most.",
    )
    session_idle: Duration = Field(
        timedelta(hours=1),
        ge=timedelta(minutes=2),
        le=timedelta(days=30),
        description="How long a person stays signed in to the console without using it.",
    )
    local_sign_in: bool = Field(
        True,
        description="Let people sign in with a password; set to false where all sign in with "
        "their organisation.",
    )
    oidc_issuer: str | None = Field(
        None,
        description="Issuer of the organisation's OpenID Connect provider; without it people sign "
        "in with a password alone.",
    )
    oidc_client_id: str | None = Field(
        None, description="Name of this service at the provider; needed with an oidc_issuer."
    )
    oidc_client_secret: SecretStr | None = Field(
        None, description="Secret of this service at the provider; needed with an oidc_issuer."
    )
    oidc_name_claim: str = Field(
        "preferred_username",
        min_length=1,
        description="Claim of the ID token that holds the account's name.",
    )
    public_url: str | None = Field(
        None,
        description="Where browsers reach this service, as https://triage.example; needed with an "
        "oidc_issuer.",
    )
    remember: Duration = Field(
        timedelta(days=30),
        ge=timedelta(days=1),
        le=timedelta(days=3650),
        description="How long a repeated Idempotency-Key gets its first answer, and how long "
        "announcements are kept after they arrived.",
    )
    webhook_url: SecretStr | None = Field(
        None, description="Where announcements go; without it they wait in the outbox."
    )
    webhook_secret: SecretStr | None = Field(
        None, description="Signing secret, whsec_ and base64; needed with a webhook_url."
    )
    worker_in_server: bool = Field(
        True, description="Run the worker inside the server; set to false to run it alone."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least grave message that is logged."
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="Lines for people, or JSON for a log store."
    )

    @field_validator("webhook_secret")
    @classmethod
    def _usable(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            try:
                Webhook(secret.get_secret_value())
                if not secret.get_secret_value().startswith("whsec_"):
                    raise ValueError
            except Exception:
                raise ValueError("must be whsec_ followed by base64") from None
        return secret

    @field_validator("webhook_url")
    @classmethod
    def _reachable(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not re.match(r"https?://\S+$", url.get_secret_value()):
            raise ValueError("must be an http or https URL")
        return url

    @field_validator("oidc_issuer", "public_url")
    @classmethod
    def _safe(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
        if not parts.hostname or not (parts.scheme == "https" or local):
            raise ValueError("must be an https URL; http only on this machine")
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError("must have no user, no query and no fragment")
        return url

    @field_validator("public_url")
    @classmethod
    def _origin(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).path not in ("", "/"):
            raise ValueError("must have no path: the console is at /console")
        return url.rstrip("/") if url is not None else None

    @model_validator(mode="after")
    def _vouched(self) -> "Settings":
        if self.oidc_issuer is None:
            if not self.local_sign_in:
                raise ValueError("local_sign_in is false without an oidc_issuer: nobody gets in")
            return self
        for name in ("oidc_client_id", "oidc_client_secret", "public_url"):
            if getattr(self, name) is None:
                raise ValueError(f"oidc_issuer needs {name}")
        return self

    @model_validator(mode="after")
    def _signed(self) -> "Settings":
        if self.webhook_url is not None and self.webhook_secret is None:
            raise ValueError("webhook_url needs a webhook_secret: announcements are always signed")
        return self

    @property
    def own_database(self) -> Path:
        """Folder of the built-in PostgreSQL."""
        return self.data_dir / "postgres"

    @property
    def has_database(self) -> bool:
        """Whether one is named or was made here; the one that is named may be away."""
        return self.database_url is not None or self.own_database.is_dir()
