"""Reading the plain proposal: what nearly everybody sends, with nothing wrong in it.

One pass over the JSON, with no list of faults to keep. Whatever is not that plain, wrong
or merely seldom, is left to the whole reader (`proposal`), which finds the same request
where both do.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from service.core.expression import FactValue
from service.core.factvalue import TEXT_CHARS_MAX, read_fact
from service.core.money import MINOR_MAX, parse_minor
from service.core.request import (
    NAME_CHARS_MAX,
    NOTE_CHARS_MAX,
    QUANTITY_MAX,
    Agent,
    Request,
)
from service.core.rulebook import Fact, FactTree, FactType, Resolution, Rulebook

_PLAIN: Final = frozenset(
    {"site", "resolution", "amount", "quantity", "reason", "note", "channel", "facts"}
)
_TEXT: Final = FactType.TEXT
_MONEY: Final = FactType.MONEY


def find_plain(
    rulebook: Rulebook, body: Mapping[str, Any], agent: Agent | Callable[[str], Agent]
) -> Request | None:
    """The request of a plain proposal; ``None`` where the whole reader has to say."""
    try:
        return _plain(rulebook, body, agent)
    except (
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ):  # something was not what it mostly is
        return None


def _plain(
    rulebook: Rulebook, body: Mapping[str, Any], agent: Agent | Callable[[str], Agent]
) -> Request | None:
    get = body.get
    resolution, site = rulebook.resolutions[body["resolution"]], body["site"]
    if not _PLAIN.issuperset(body) and not _is_as_plain(rulebook, body):
        return None
    if rulebook.sites is None:
        _check(site, NAME_CHARS_MAX)
    else:
        rulebook.sites[site]
    reason, channel, note = get("reason"), get("channel"), get("note")
    if reason is not None:
        _check(reason, NAME_CHARS_MAX)
    if channel is not None:
        _check(channel, NAME_CHARS_MAX)
    if note is not None:
        _check(note, NOTE_CHARS_MAX)
    facts: dict[str, FactValue] = {}
    given = get("facts")
    if given is not None:
        _take(given, rulebook.fact_tree, rulebook.decimals, facts)
    amount, quantity = _size(resolution, get("amount"), get("quantity"), rulebook.decimals)
    return Request(
        site=site,
        agent=agent if isinstance(agent, Agent) else agent(site),
        resolution=resolution.id,
        amount_minor=amount,
        quantity=quantity,
        currency=rulebook.currency,
        reason=reason,
        channel=channel,
        note=note,
        facts=facts,
    )


def _is_as_plain(rulebook: Rulebook, body: Mapping[str, Any]) -> bool:
    """Whether what is sent besides says nothing: the set's own currency, empty lists."""
    nothing = {"currency": rulebook.currency, "evidence": [], "unavailable": []}
    return all(name in nothing and body[name] == nothing[name] for name in body.keys() - _PLAIN)


def _size(
    resolution: Resolution,
    amount: Any,  # noqa: ANN401 — JSON
    quantity: Any,  # noqa: ANN401 — JSON
    decimals: int,
) -> tuple[int | None, int | None]:
    if resolution.unit is not None:
        if amount is not None or type(quantity) is not int or not 1 <= quantity <= QUANTITY_MAX:
            raise ValueError
        return None, quantity
    minor = parse_minor(amount, decimals)
    if quantity is not None or not 1 <= minor <= MINOR_MAX:
        raise ValueError
    return minor, None


def _check(text: Any, chars_max: int) -> None:  # noqa: ANN401 — JSON
    if (
        type(text) is not str
        or not text
        or len(text) > chars_max
        or not text.isprintable()
        or text.isspace()
    ):
        raise ValueError


def _take(
    given: Mapping[str, Any], tree: FactTree, decimals: int, found: dict[str, FactValue]
) -> None:
    """Take the facts out of a branch of the JSON, in their order."""
    for name, value in given.items():
        fact = tree[name]
        if value is None:  # null is a fact that is absent
            continue
        if not isinstance(fact, Fact):
            _take(value, fact, decimals, found)
        elif fact.type is _TEXT:
            _check(value, TEXT_CHARS_MAX)
            found[fact.path] = value
        elif fact.type is _MONEY:
            found[fact.path] = parse_minor(value, decimals)
        else:
            found[fact.path] = read_fact(fact, value, decimals)
