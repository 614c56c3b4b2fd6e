"""An identity provider as an ASGI app, with keys of its own; it can be made to lie."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc import jwk, jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from triage_ml.testing import FixedClock

ISSUER = "https://id.example/realm"
CLIENT_ID, CLIENT_SECRET = "triage", "a secret of both"
PUBLIC_URL = "http://testserver"


def new_key(kid: str) -> jwk.RSAKey:
    return jwk.RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


@dataclass
class Issuer:
    """`claims` replace those of the ID token, `header` its header; None leaves a claim out."""

    clock: FixedClock
    user: str = "mara"
    key: jwk.Key = field(default_factory=lambda: new_key("first"))
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    described: dict[str, Any] = field(default_factory=dict)
    published: list[jwk.Key] | None = None
    down: bool = False
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def transport(self) -> httpx.AsyncBaseTransport:
        base = "/realm"
        routes = [
            Route(f"{base}/.well-known/openid-configuration", self._describe),
            Route(f"{base}/authorize", self._authorize),
            Route(f"{base}/token", self._token, methods=["POST"]),
            Route(f"{base}/keys", self._keys),
        ]
        return _Breakable(self, httpx.ASGITransport(Starlette(routes=routes)))

    async def visit(self, url: str) -> str:
        """Do what the browser of somebody does who agrees; give where it is sent back to."""
        async with httpx.AsyncClient(transport=self.transport) as client:
            return str((await client.get(url)).headers["location"])

    async def _describe(self, request: Request) -> Response:
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
        urls = {name: f"{ISSUER}/{path}" for name, path in {**names, "jwks_uri": "keys"}.items()}
        return JSONResponse({"issuer": ISSUER, **urls, **self.described})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        answer = urlencode({"code": code, "state": asked["state"], "iss": ISSUER})
        return RedirectResponse(f"{asked['redirect_uri']}?{answer}", 303)

    async def _token(self, request: Request) -> Response:
        sent = {
            name: values[0] for name, values in parse_qs((await request.body()).decode()).items()
        }
        if not self._is_client(request, sent):
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self.codes.pop(sent["code"], None)  # each code is good once
        digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
        if asked is None or _base64(digest) != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        assert sent["redirect_uri"] == asked["redirect_uri"]
        self.tokens.append(self._id_token(asked["nonce"]))
        return JSONResponse({"access_token": "x", "id_token": self.tokens[-1]})

    async def _keys(self, request: Request) -> Response:
        rows = [self.key] if self.published is None else self.published
        return JSONResponse({"keys": [row.as_dict(private=False) for row in rows]})

    def _is_client(self, request: Request, sent: dict[str, str]) -> bool:
        if "token_endpoint_auth_methods_supported" in self.described:
            return (sent["client_id"], sent["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
        pair = f"{CLIENT_ID}:{CLIENT_SECRET.replace(' ', '%20')}"
        return (
            request.headers["authorization"] == f"Basic {base64.b64encode(pair.encode()).decode()}"
        )

    def _id_token(self, nonce: str) -> str:
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": ISSUER, "aud": CLIENT_ID, "sub": "17", "iat": now, "exp": now + 300,
            "nonce": nonce, "preferred_username": self.user, **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": self.key.kid, **self.header}
        if header["alg"] == "none":
            return f"{_part(header)}.{_part(claims)}."
        if header["alg"] == "HS256":  # with the public key, which everybody has, as the secret
            signed = f"{_part(header)}.{_part(claims)}"
            public = self.key.as_pem(private=False)
            return f"{signed}.{_base64(hmac.digest(public, signed.encode(), 'sha256'))}"
        return jwt.encode(header, claims, self.key, algorithms=[header["alg"]])


class _Breakable(httpx.AsyncBaseTransport):
    """Keeps what was asked, and connects to nothing while the issuer is down."""

    def __init__(self, issuer: Issuer, inner: httpx.AsyncBaseTransport) -> None:
        self._issuer = issuer
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._issuer.asked.append(urlsplit(str(request.url)).path.rpartition("/")[2])
        if self._issuer.down:
            raise httpx.ConnectError("refused")
        return await self._inner.handle_async_request(request)


def _part(row: dict[str, Any]) -> str:
    return _base64(json.dumps(row).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
