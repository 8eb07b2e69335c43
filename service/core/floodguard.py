"""The flood guard: how many escalations one proposer may send one role in a stretch of time.

A guard is a balance like a budget's: its ``spends`` are the escalations that went
through, each at its instant, and ``held`` counts the refusals since the last of them. As
in any rolling window, up to `budget.SPENDS_MAX` are exact, and more err to refusal.
"""

from datetime import datetime, timedelta

from service.core.budget import Balance, charge, used

AtMost = tuple[int, timedelta]
"""A count, and the length of any stretch of time that it holds for."""


def wait_of(guard: Balance, at_most: AtMost, at: datetime) -> timedelta | None:
    """How long until one more may go through; ``None`` where it may at once."""
    count, within = at_most
    sent = guard._replace(held=0)
    total = used(sent, within, at)
    if total < count:
        return None
    now = max(at, sent.spends[-1][0])
    for instant, amount in sent.spends:
        if instant + within > now:
            total -= amount
        if total < count:
            return instant + within - at
    raise ValueError("at most none may go through")  # the loader takes no such count


def let_through(guard: Balance, at_most: AtMost, at: datetime) -> Balance:
    """The guard after one more that fits; what was refused before it is forgotten."""
    return charge(guard._replace(held=0), 1, at_most[1], at)


def refused(guard: Balance) -> Balance:
    """The guard after one more refusal."""
    return guard._replace(held=guard.held + 1, version=guard.version + 1)


def is_told(guard: Balance) -> bool:
    """Whether the last refusal is logged.

    The first one is, then the second, the fourth, the eighth and so on. So the log knows
    of every flood, and to a factor of two how long it was, and no flood of requests
    becomes one of entries.
    """
    return guard.held > 0 and guard.held & (guard.held - 1) == 0
