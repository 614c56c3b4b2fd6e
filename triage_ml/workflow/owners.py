"""Who a case can be handed up to: people with an account, and programs with a key."""

from collections.abc import Callable

from triage_ml.domain.account import REVIEWING, Account, is_name
from triage_ml.domain.case import Case
from triage_ml.domain.report import check_ref
from triage_ml.errors import InvalidInput
from triage_ml.ports import AccountStore, CaseStore, Who

NO_REVIEWER = "is no account that can review"
MAY_NOT_SEE = "may not see this case"


class Owners:
    """Those who can review a case and may see it: nobody else would ever take it."""

    def __init__(
        self, store: CaseStore, accounts: AccountStore, may_see: Callable[[Who, Case], bool]
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._may_see = may_see

    async def possible(self, who: Who, case: Case) -> list[Account]:
        """Give the accounts by name, without who asks and the first decider of an appeal."""
        return [
            account
            for account in await self._accounts.list_accounts()
            if account.can_review
            and self._may_see(account, case)
            and account.name not in (who.name, case.barred_reviewer)
        ]

    async def name(self, owner: str, case: Case) -> str:
        """Give the name as it stands on the account or key. Raises: InvalidInput."""
        check_ref("owner", owner)
        found = await self._find(owner)
        if found is None:
            raise InvalidInput("owner", NO_REVIEWER)
        if not self._may_see(found, case):
            raise InvalidInput("owner", MAY_NOT_SEE)
        return found.name

    async def _find(self, name: str) -> Who | None:
        """Find an account, whose name is in lower case, or else a key by exactly its name."""
        account_name = name.lower()
        found = await self._accounts.find_account(account_name) if is_name(account_name) else None
        if found is not None and found[0].can_review:
            return found[0]
        for key in await self._store.list_keys():
            if key.name == name and key.revoked_at is None and key.scopes & REVIEWING:
                return key
        return None
