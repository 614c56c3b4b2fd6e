"""How often signing in may fail: a few times at once, then ever more slowly.

What is counted is kept in memory, so each process counts for itself and a restart forgets.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from triage_ml.errors import TooManyAttempts

FIRST_DELAY = timedelta(seconds=1)
MAX_NAMES = 10_000
"""Names remembered at once; the one whose last failure is the longest ago makes room."""


@dataclass(slots=True)
class _Brake:
    """Failures of late: `n_free` are, then each doubles the time to the next try."""

    n_free: int
    longest: timedelta
    within: timedelta
    failures: deque[datetime] = field(default_factory=deque)

    def wait(self, now: datetime) -> timedelta:
        """Give how long from now the next try has to wait; nothing when it is not positive."""
        while self.failures and self.failures[0] <= now - self.within:
            self.failures.popleft()
        n_over = len(self.failures) - self.n_free
        if n_over < 0:
            return timedelta(0)
        return self.failures[-1] + min(FIRST_DELAY * (1 << min(n_over, 20)), self.longest) - now


class Attempts:
    """Failed sign-ins by account name, and all together.

    Unknown names count as well, or the answer would tell which exist. Whoever is signed in
    works on while nobody else can sign in.
    """

    def __init__(self) -> None:
        self._of_name: dict[str, _Brake] = {}
        self._all = _Brake(200, timedelta(seconds=30), timedelta(minutes=10))

    def begin(self, name: str, now: datetime) -> None:
        """Count a try as failed until `succeeded`: a hundred begun at once are a hundred.

        Raises: TooManyAttempts, and the try is not counted.
        """
        brake = self._of_name.get(name) or _Brake(5, timedelta(minutes=15), timedelta(days=1))
        wait = max(brake.wait(now), self._all.wait(now))
        if wait > timedelta(0):
            raise TooManyAttempts(wait.total_seconds())
        self._all.failures.append(now)
        brake.failures.append(now)
        self._of_name.pop(name, None)
        self._of_name[name] = brake
        if len(self._of_name) > MAX_NAMES:
            del self._of_name[next(iter(self._of_name))]

    def succeeded(self, name: str, begun_at: datetime) -> None:
        """Forget the failures of this name; those of the others stay."""
        self._of_name.pop(name, None)
        if begun_at in self._all.failures:
            self._all.failures.remove(begun_at)
