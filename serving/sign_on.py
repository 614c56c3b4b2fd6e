"""Sign-on by OpenID Connect: what the provider is asked, and what is believed of its answer.

Authorization Code with PKCE. Sources: OpenID Connect Core 1.0, 3.1.3.7; Discovery 1.0, 4.3;
RFC 7636 (PKCE); RFC 9207 (the sender of an answer). Nothing of a token is kept or logged.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import orjson
from joserfc import jwk, jwt
from joserfc.errors import JoseError
from pydantic import SecretStr

from serving.settings import Settings
from triage_ml.errors import SignOnFailed
from triage_ml.ports import Clock

BACK = "/console/sign-on/back"
LASTS = timedelta(minutes=10)
"""How long a person may take at the provider."""

ALGORITHMS = ("RS256", "ES256")
"""Signatures by a key that only the provider has; never `none`, never a shared secret."""

LEEWAY_SECONDS = 60
"""How far the provider's clock may be from ours."""

TIMEOUT_SECONDS = 10.0
REMEMBERED = timedelta(hours=1)
"""How long the provider's own description is believed; its keys until one is missing."""

MAX_BYTES = 2**20
MIN_RSA_BITS = 2048
_UNREADABLE = (JoseError, ValueError, TypeError, LookupError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to the provider and back, kept by the browser in a sealed cookie."""

    state: str
    nonce: str
    verifier: str
    go_to: str
    expires_at: int

    @classmethod
    def begin(cls, go_to: str, now: datetime) -> "Attempt":
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state, nonce, verifier, go_to, int((now + LASTS).timestamp()))

    def is_of(self, state: str) -> bool:
        return hmac.compare_digest(self.state.encode(), state.encode())

    @property
    def challenge(self) -> str:
        return _base64(hashlib.sha256(self.verifier.encode()).digest())


@dataclass(frozen=True, slots=True)
class _Described:
    """Where the provider is asked for what. `by_post`: our secret goes into the form."""

    authorize: str
    token: str
    keys: str
    by_post: bool
    until: datetime


class Provider:
    """The organisation's OpenID Connect provider."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: SecretStr,
        public_url: str,
        clock: Clock,
        *,
        name_claim: str = "preferred_username",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._back_url = public_url + BACK
        self._clock = clock
        self._name_claim = name_claim
        self._transport = transport
        self._verify = httpx.create_ssl_context()  # it takes a while: once is enough
        self._described: _Described | None = None
        self._keys: jwk.KeySet | None = None

    @classmethod
    def of(cls, settings: Settings, clock: Clock) -> "Provider | None":
        """Make the provider that the settings name; None if they name none."""
        client_id, secret, url = (
            settings.oidc_client_id,
            settings.oidc_client_secret,
            settings.public_url,
        )
        if settings.oidc_issuer is None or client_id is None or secret is None or url is None:
            return None
        claim = settings.oidc_name_claim
        return cls(settings.oidc_issuer, client_id, secret, url, clock, name_claim=claim)

    async def way_out(self, attempt: Attempt) -> str:
        """Give the address to send a browser to. Raises: SignOnFailed."""
        described = await self._describe()
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._back_url,
            "scope": "openid profile email",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(described.authorize).query else "?"
        return f"{described.authorize}{joint}{urlencode(asked)}"

    def check_sender(self, issuer: str | None) -> None:
        """Refuse an answer that says it is another provider's. Raises: SignOnFailed."""
        if issuer is not None and issuer != self._issuer:
            raise SignOnFailed("untrusted", "the answer names another issuer")

    async def name_of(self, code: str, attempt: Attempt) -> str:
        """Exchange a code and give the name that the provider vouches for. Raises: SignOnFailed."""
        if not code:
            raise SignOnFailed("untrusted", "the answer has no code")
        token = await self._exchange(code, attempt)
        try:
            claims = await self._claims(token)
            self._check(claims, attempt)
        except _UNREADABLE as error:
            raise SignOnFailed("untrusted", f"ID token: {type(error).__name__}") from None
        return self._name(claims)

    def seal(self, attempt: Attempt, visit: str) -> str:
        """Write an attempt such that nobody else can, and no other browser can use it."""
        payload = _base64(orjson.dumps(attempt))
        return f"{payload}.{self._seal(payload, visit)}"

    def unseal(self, written: str, visit: str) -> Attempt | None:
        """Read what `seal` wrote for this visit; None if it is not that, or too old."""
        payload, _, seal = written.partition(".")
        expected = self._seal(payload, visit)
        if not visit or not hmac.compare_digest(expected.encode(), seal.encode()):
            return None
        attempt = Attempt(**orjson.loads(base64.urlsafe_b64decode(payload + "==")))
        return attempt if attempt.expires_at > self._clock.now().timestamp() else None

    def _seal(self, payload: str, visit: str) -> str:
        # Every server of a deployment knows the secret, and nobody else but the provider.
        secret = self._client_secret.get_secret_value().encode()
        key = hmac.new(secret, b"triage sign-on attempt", "sha256").digest()
        return hmac.new(key, f"{visit}.{payload}".encode(), "sha256").hexdigest()

    async def _describe(self) -> _Described:
        now = self._clock.now()
        if self._described is None or self._described.until <= now:
            url = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
            told = await self._ask("GET", url)
            if told.get("issuer") != self._issuer:
                raise SignOnFailed("untrusted", "discovery names another issuer")
            ways = told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
            self._described = _Described(
                authorize=self._endpoint(told, "authorization_endpoint"),
                token=self._endpoint(told, "token_endpoint"),
                keys=self._endpoint(told, "jwks_uri"),
                by_post="client_secret_basic" not in ways,
                until=now + REMEMBERED,
            )
        return self._described

    def _endpoint(self, told: Mapping[str, Any], name: str) -> str:
        url = told.get(name)
        # Over plain http only what a provider on this machine offers.
        allowed = {"https", urlsplit(self._issuer).scheme}
        if not isinstance(url, str) or urlsplit(url).scheme not in allowed:
            raise SignOnFailed("untrusted", f"discovery has no safe {name}")
        return url

    async def _exchange(self, code: str, attempt: Attempt) -> str:
        described = await self._describe()
        secret = self._client_secret.get_secret_value()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back_url,
            "code_verifier": attempt.verifier,
        }
        headers = {}
        if described.by_post:
            form |= {"client_id": self._client_id, "client_secret": secret}
        else:
            pair = f"{quote(self._client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        told = await self._ask("POST", described.token, data=form, headers=headers)
        token = told.get("id_token")
        if not isinstance(token, str):
            raise SignOnFailed("untrusted", "the token answer has no ID token")
        return token

    async def _claims(self, token: str) -> Mapping[str, Any]:
        """Give what a token says whose signature is the provider's."""
        if self._keys is not None:
            try:
                return jwt.decode(token, self._keys, algorithms=ALGORITHMS).claims
            except JoseError:
                self._keys = None  # the provider may sign with a new key
        self._keys = await self._fetch_keys()
        return jwt.decode(token, self._keys, algorithms=ALGORITHMS).claims

    async def _fetch_keys(self) -> jwk.KeySet:
        told = await self._ask("GET", (await self._describe()).keys)
        rows = told.get("keys")
        usable = [row for row in rows if _is_for_signing(row)] if isinstance(rows, list) else []
        return jwk.KeySet([jwk.import_key(row, row["kty"]) for row in usable])

    def _check(self, claims: Mapping[str, Any], attempt: Attempt) -> None:
        """Raises: SignOnFailed, or what joserfc raises for a claim."""
        now = int(self._clock.now().timestamp())
        registry = jwt.JWTClaimsRegistry(
            now=now,
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        registry.validate(dict(claims))
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(
            nonce.encode(), attempt.nonce.encode()
        ):
            raise SignOnFailed("untrusted", "ID token: another nonce")
        azp, audience = claims.get("azp"), claims["aud"]
        several = isinstance(audience, list) and len(audience) > 1
        if (several or azp is not None) and azp != self._client_id:
            raise SignOnFailed("untrusted", "ID token: another authorized party")

    def _name(self, claims: Mapping[str, Any]) -> str:
        name = claims.get(self._name_claim)
        if not isinstance(name, str):
            raise SignOnFailed("untrusted", f"ID token: no {self._name_claim}")
        if self._name_claim == "email" and claims.get("email_verified") is not True:
            raise SignOnFailed("untrusted", "ID token: the address is not verified")
        return name

    async def _ask(self, method: str, url: str, **more: Any) -> Mapping[str, Any]:
        """Give the provider's answer. Raises: SignOnFailed."""
        headers = {"Accept": "application/json", **more.pop("headers", {})}
        try:
            # httpx limits each read alone; this limits them together.
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                httpx.AsyncClient(
                    transport=self._transport,
                    verify=self._verify,
                    timeout=TIMEOUT_SECONDS,
                    follow_redirects=False,
                ) as client,
                client.stream(method, url, headers=headers, **more) as answer,
            ):
                return _read(answer.status_code, await _limited(answer))
        except TimeoutError:
            raise SignOnFailed("unavailable", "no answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SignOnFailed("unavailable", type(error).__name__) from None


def _read(status: int, body: bytes) -> Mapping[str, Any]:
    if status >= 500:
        raise SignOnFailed("unavailable", f"status {status}")
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict):
        raise SignOnFailed("untrusted", f"status {status} without JSON")
    if told.get("error") == "invalid_grant":
        raise SignOnFailed("outdated", "the provider knows no such code, or not any more")
    if status != httpx.codes.OK:
        raise SignOnFailed("untrusted", f"status {status}")
    return told


async def _limited(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > MAX_BYTES:
            raise SignOnFailed("untrusted", "the answer is too long")
    return bytes(body)


def _is_for_signing(row: object) -> bool:
    """Say whether a key of the provider can make a signature that we take."""
    if not isinstance(row, dict) or row.get("use", "sig") != "sig":
        return False
    if row.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
        return False
    if row.get("kty") == "RSA":
        return len(str(row.get("n", ""))) * 6 >= MIN_RSA_BITS
    return row.get("kty") == "EC" and row.get("crv") == "P-256"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
