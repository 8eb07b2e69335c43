"""A tally: how often something happened, and when the log is told of it.

It is told at the first time, the second, the fourth, the eighth and so on. So the log
knows of every flood, and to a factor of two how long it was, and no flood of requests
becomes one of entries.
"""

from service.core.budget import Balance


def counted(tally: Balance, times: int) -> Balance:
    """The tally after so many more times, one at least."""
    return tally._replace(held=tally.held + times, version=tally.version + 1)


def is_told(before: Balance, after: Balance) -> bool:
    """Whether a power of two lies above what there was before, and not above what there is."""
    return after.held.bit_length() > before.held.bit_length()
