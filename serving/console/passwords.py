"""Passwords as Argon2id hashes."""

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY


class Argon2Hasher:
    """`triage_ml.workflow.accounts.Hasher` with Argon2id.

    64 MiB and three passes over them. Source: RFC 9106, section 4, second recommended option.
    """

    def __init__(self, parameters: Parameters = RFC_9106_LOW_MEMORY) -> None:
        self._argon2 = PasswordHasher.from_parameters(parameters)

    def hash(self, password: str) -> str:
        return self._argon2.hash(password)

    def verify(self, hash: str, password: str) -> bool:
        try:
            return self._argon2.verify(hash, password)
        except (VerifyMismatchError, InvalidHashError):
            return False

    def is_outdated(self, hash: str) -> bool:
        """Say whether `hash` was made with other parameters."""
        return self._argon2.check_needs_rehash(hash)
