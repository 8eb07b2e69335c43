"""What those work with who answer escalations, put together."""

from dataclasses import dataclass
from typing import Self

from service.app.budgets import BudgetReader
from service.app.case import CaseReader
from service.app.committer import Report
from service.app.delegations import DelegationReader
from service.app.feed import Feed
from service.app.find import Finder
from service.app.inbox import Inbox
from service.app.ports import Store, Vault
from service.app.snapshot import Library


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """The inbox, a case, what happens meanwhile, and who stands in for whom."""

    inbox: Inbox
    cases: CaseReader
    feed: Feed
    delegations: DelegationReader

    @classmethod
    def over(
        cls, store: Store, library: Library, vault: Vault, finder: Finder, report: Report
    ) -> Self:
        """All four over one store. Nothing runs before somebody watches."""
        return cls(
            inbox=Inbox(store, library, vault),
            cases=CaseReader(store, library, vault, finder, BudgetReader(store, library)),
            feed=Feed(store, library, report),
            delegations=DelegationReader(store, library),
        )
