"""Which model answers, which ones did before, and how they compare."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from triage_ml.domain.comparison import Comparison
from triage_ml.domain.policy import Policy
from triage_ml.domain.queue_diff import Pair
from triage_ml.ports import ComparisonStore, LiveModel, LiveModels, Who
from triage_ml.workflow.review import RESTRICTED

SHOWN = 20


class ComparedModels(ComparisonStore, LiveModels, Protocol):
    """Comparisons, and which model was live when."""


class Models:
    """What people who look after models see. Calls about cases name who asks."""

    def __init__(self, store: ComparedModels, policy: Policy) -> None:
        self._store = store
        self._policy = policy

    async def history(self) -> Sequence[LiveModel]:
        """Give which model went live when, newest first."""
        return await self._store.model_history()

    async def comparisons(self, who: Who) -> list[Comparison]:
        """Give the newest comparisons, newest first, without their moves."""
        return [self._shown(row, who) for row in await self._store.comparisons(SHOWN)]

    async def comparison(self, who: Who, comparison_id: UUID) -> Comparison:
        """Give one with its moves. Raises: NotFound."""
        return self._shown(await self._store.get_comparison(comparison_id), who)

    def _shown(self, found: Comparison, who: Who) -> Comparison:
        if RESTRICTED in who.scopes:
            return found
        shown = found.for_everybody()
        moves = tuple(move for move in shown.diff.moves if self._is_open(move))
        return replace(shown, diff=replace(shown.diff, moves=moves))

    def _is_open(self, move: Pair) -> bool:
        """Say whether a move is in open queues by today's policy, too."""
        queues = [self._policy.queues.get(stand.queue) for stand in (move.before, move.after)]
        return not any(queue is not None and queue.restricted for queue in queues)
