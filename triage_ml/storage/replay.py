"""Policies as they were, and what it takes to make a past score again."""

from datetime import datetime
from uuid import UUID

from triage_ml.domain.scores import Arm
from triage_ml.ports import KeptPolicy, KeptText, ModelUse, PolicyUse
from triage_ml.storage import rows
from triage_ml.storage.pool import QUERIES, Connection, Transactions


class StoredReplay(Transactions):
    """See `triage_ml.ports.PolicyStore` and `triage_ml.ports.ReplayStore`."""

    async def keep_policy(self, policy: KeptPolicy) -> list[str]:
        given = {"version": policy.version, "sha256": policy.sha256, "at": policy.first_seen_at}

        async def work(connection: Connection) -> list[str]:
            await QUERIES.lock_live_policy(connection)
            documents = rows.json_text(policy.files)
            await QUERIES.add_policy(connection, documents=documents, **given)
            await QUERIES.note_policy(connection, **given)
            found = QUERIES.find_policies(connection, version=policy.version)
            return [row["sha256"] async for row in found if row["sha256"] != policy.sha256]

        return await self._run(work)

    async def kept_policies(self) -> list[KeptPolicy]:
        async with self._connection() as connection:
            return [KeptPolicy(**row) async for row in QUERIES.kept_policies(connection)]

    async def find_policies(self, version: str) -> list[KeptPolicy]:
        async with self._connection() as connection:
            found = QUERIES.find_policies(connection, version=version)
            return [KeptPolicy(**row) async for row in found]

    async def policy_history(self, limit: int = 100) -> list[PolicyUse]:
        async with self._connection() as connection:
            found = QUERIES.policy_history(connection, limit=limit)
            return [PolicyUse(**row) async for row in found]

    async def find_text(self, case_id: UUID, version_sha256: str) -> KeptText | None:
        given = {"case_id": case_id, "version_sha256": version_sha256}
        async with self._connection() as connection:
            row = await QUERIES.find_text(connection, **given)
        return None if row is None else KeptText(row["text"], rows.context_of(row["context"]))

    async def find_model_sha256(self, version: str) -> str | None:
        async with self._connection() as connection:
            row = await QUERIES.find_model(connection, version=version)
        return None if row is None else str(row["manifest_sha256"])

    async def models_used(self, since: datetime, until: datetime) -> list[ModelUse]:
        async with self._connection() as connection:
            found = QUERIES.models_used(connection, since=since, until=until)
            return [ModelUse(**{**row, "arm": Arm(row["arm"])}) async for row in found]
