"""What somebody may have meant: remedies for names that are not known."""

from collections.abc import Iterable
from difflib import get_close_matches
from heapq import nsmallest

_NAMES_SHOWN_MAX = 12
_NAMES_COMPARED_MAX = 40


def suggest(name: str, known: Iterable[str]) -> str:
    """A remedy for an unknown name: the closest one, or what there is."""
    names = sorted(known)
    close = get_close_matches(name, _likely(name, names), n=1)
    if close:
        return f"Did you mean `{close[0]}`?"
    if not names:
        return "None is declared yet: declare it, or leave this out."
    shown = ", ".join(f"`{known_name}`" for known_name in names[:_NAMES_SHOWN_MAX])
    more = len(names) - _NAMES_SHOWN_MAX
    return f"Known here: {shown}{f' and {more} more' if more > 0 else ''}."


def _likely(name: str, names: list[str]) -> list[str]:
    """The names worth comparing: comparing is slow, and a set may have thousands of both."""
    if len(names) <= _NAMES_COMPARED_MAX:
        return names
    return nsmallest(
        _NAMES_COMPARED_MAX,
        names,
        key=lambda known: (
            known[:1] != name[:1],
            known[-2:] != name[-2:],
            abs(len(known) - len(name)),
        ),
    )
