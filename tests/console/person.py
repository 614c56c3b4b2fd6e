"""A person with a browser: it keeps cookies and sends the forms that pages hold."""

import re
from typing import Any
from urllib.parse import urlencode

from httpx2 import Response

from tests.serving.bench import Bench

PASSWORD = "seven quiet herons at noon"
PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]+)"')


class PlainHasher:
    """A hash that costs nothing; what a real one does is tested elsewhere."""

    def hash(self, password: str) -> str:
        return f"plain {password}"

    def verify(self, hash: str, password: str) -> bool:
        return hash == f"plain {password}"

    def is_outdated(self, hash: str) -> bool:
        return False


class Person:
    def __init__(self, bench: Bench, name: str = "mara") -> None:
        self.bench = bench
        self.name = name

    def get(self, path: str, **headers: str) -> Response:
        return self.bench.client.get(path, headers={**PAGE, **headers})

    def post(self, path: str, fields: dict[str, Any], **headers: str) -> Response:
        """Send a form as it stands, with whatever token is among the fields."""
        form = {"content-type": "application/x-www-form-urlencoded"}
        body = urlencode(fields, doseq=True)
        return self.bench.client.post(path, content=body, headers={**PAGE, **form, **headers})

    def token(self, path: str = "/console/sign-in") -> str:
        """Open a page and give the token of its forms."""
        found = _TOKEN.search(self.get(path).text)
        assert found is not None, path
        return found[1]

    def sign_in(self, password: str = PASSWORD, **fields: str) -> Response:
        given = {"name": self.name, "password": password, **fields}
        return self.post("/console/sign-in", {"csrf": self.token(), **given})
