"""Policies as they were, and the texts of past scores, in memory."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from triage_ml.domain.case import Case
from triage_ml.domain.report import Item
from triage_ml.domain.scores import Arm
from triage_ml.ports import KeptPolicy, KeptText, ModelUse, PolicyUse, ScoreRecord


class MemoryReplay:
    """See `triage_ml.ports.PolicyStore` and `triage_ml.ports.ReplayStore`."""

    _cases: Mapping[UUID, Case]
    _scores: list[ScoreRecord]
    _versions: Mapping[str, Mapping[str, Any]]

    def __init__(self) -> None:
        super().__init__()
        self._policies: list[KeptPolicy] = []
        self._policy_uses: list[PolicyUse] = []
        self._seen: dict[tuple[str, str], Item] = {}

    async def keep_policy(self, policy: KeptPolicy) -> list[str]:
        alike = await self.find_policies(policy.version)
        if policy.sha256 not in {row.sha256 for row in alike}:
            self._policies.append(replace(policy, files=dict(policy.files)))
        newest = self._policy_uses[-1] if self._policy_uses else None
        name = policy.version, policy.sha256
        if newest is None or (newest.version, newest.sha256) != name:
            number = len(self._policy_uses) + 1
            self._policy_uses.append(PolicyUse(number, *name, policy.first_seen_at))
        return [row.sha256 for row in alike if row.sha256 != policy.sha256]

    async def kept_policies(self) -> list[KeptPolicy]:
        return sorted(self._policies, key=lambda x: (x.first_seen_at, x.version, x.sha256))

    async def find_policies(self, version: str) -> list[KeptPolicy]:
        return [row for row in await self.kept_policies() if row.version == version]

    async def policy_history(self, limit: int = 100) -> list[PolicyUse]:
        return self._policy_uses[::-1][:limit]

    async def find_text(self, case_id: UUID, version_sha256: str) -> KeptText | None:
        case = self._cases.get(case_id)
        item = self._seen.get((case.item.item_id, version_sha256)) if case else None
        if item is None:
            return None
        if item.text not in self._versions.get(item.item_id, {}):  # erased meanwhile
            return KeptText("", ())
        return KeptText(item.text, item.context)

    async def find_model_sha256(self, version: str) -> str | None:
        del version  # this store has no models
        return None

    async def models_used(self, since: datetime, until: datetime) -> list[ModelUse]:
        groups: dict[tuple[Arm, str], list[datetime]] = {}
        for row in self._scores:
            if since <= row.at < until:
                groups.setdefault((row.arm, row.model_version), []).append(row.at)
        order = list(Arm)
        return [
            ModelUse(arm, version, len(times), min(times), max(times))
            for (arm, version), times in sorted(
                groups.items(), key=lambda row: (order.index(row[0][0]), row[0][1])
            )
        ]

    def _remember_text(self, item: Item) -> None:
        self._seen.setdefault((item.item_id, item.version_sha256), item)
