"""The bodies that end a hold or reverse what was settled: JSON in, values or every fault out."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from service.core.factvalue import FactError, check_text, read_money
from service.core.refusal import Fault, Refused
from service.core.request import NOTE_CHARS_MAX


class Value(NamedTuple):
    """What an approval is worth: minor units, and how many where it is given by the unit."""

    minor: int
    quantity: int | None = None


def read_settlement(body: Any, held: Value, decimals: int) -> Value:  # noqa: ANN401 — JSON
    """How much of a hold a body settles: all of it, an ``amount``, or a ``quantity``.

    ``decimals`` are those of the currency it is held in. Raises `Refused`: an amount where
    it is given by the unit and the other way round, nothing, and more than is held.
    """
    fields = _object(body, ("amount", "quantity"), '{} for all of it, or {"amount": "…"}')
    amount, quantity = fields.get("amount"), fields.get("quantity")
    if held.quantity is None:
        if quantity is not None:
            raise _refused("quantity_not_allowed", "quantity", "this is held as an amount", _AMOUNT)
        return held if amount is None else _amount(amount, held, decimals)
    if amount is not None:
        raise _refused("amount_not_allowed", "amount", "this is held by the unit", _QUANTITY)
    return held if quantity is None else _quantity(quantity, held, held.quantity)


def read_reversal(body: Any) -> str:  # noqa: ANN401 — JSON
    """Why something is reversed. Raises `Refused` where no reason is given."""
    reason = _object(body, ("reason",), _REASON).get("reason")
    if reason is None:
        raise _refused("reason_required", "reason", "a reversal says why", _REASON)
    try:
        return check_text(reason, NOTE_CHARS_MAX, lines=True)
    except FactError as error:
        raise _refused(error.code, "reason", error.message, error.remedy) from None


def read_unexplained(body: Any) -> None:  # noqa: ANN401 — JSON
    """The body of a reversal after the person's erasure: nothing. Raises `Refused` for a reason.

    What somebody writes about a case may tell of its person, and after an erasure there is
    no key left under which that could be kept, and destroyed. To take a reason and keep
    nothing of it would deceive whoever gave it.
    """
    if _object(body, ("reason",), "{}").get("reason") is not None:
        what = "the person was erased, and no text about the case is kept any more"
        raise _refused("reason_not_kept", "reason", what, "send {}; the log says who reversed it")


def read_release(body: Any) -> None:  # noqa: ANN401 — JSON
    """Nothing is said of a release. Raises `Refused` for anything but an empty object."""
    _object(body, (), "{}")


_AMOUNT: Final = 'send "amount" as a text, like "150.00", or neither for all of it'
_QUANTITY: Final = 'send "quantity" as a whole number, like 1, or neither for all of it'
_REASON: Final = '{"reason": "…"}, a sentence that an auditor understands'


def _amount(given: Any, held: Value, decimals: int) -> Value:  # noqa: ANN401 — JSON
    try:
        minor = read_money(given, decimals)
    except FactError as error:
        raise _refused(error.code, "amount", error.message, error.remedy) from None
    if minor <= 0:
        what, instead = "a settlement is more than nothing", "release it instead"
        raise _refused("amount_not_positive", "amount", what, instead)
    if minor > held.minor:
        raise _more_than_held("amount")
    return Value(minor)


def _quantity(given: Any, held: Value, of: int) -> Value:  # noqa: ANN401 — JSON
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        what = "a settlement is a whole number of units, at least 1"
        raise _refused("quantity_not_whole", "quantity", what, "release it to give nothing")
    if given > of:
        raise _more_than_held("quantity")
    return Value(held.minor // of * given, given)


def _more_than_held(field: str) -> Refused:
    what = "this is more than is held"
    return _refused("more_than_held", field, what, "settle what is held, and propose the rest")


def _object(body: Any, known: tuple[str, ...], example: str) -> Mapping[str, Any]:  # noqa: ANN401 — JSON
    if not isinstance(body, dict):
        raise _refused("wrong_type", "", "a JSON object is expected here", f"send {example}")
    faults = [
        Fault(
            code="unknown_field",
            pointer=f"/{name.replace('~', '~0').replace('/', '~1')[:100]}",
            message="this field is not known",
            remedy=f"send {example}",
        )
        for name in body
        if name not in known
    ]
    if faults:
        raise Refused(tuple(faults))
    return body


def _refused(code: str, field: str, message: str, remedy: str) -> Refused:
    pointer = f"/{field}" if field else ""
    return Refused((Fault(code=code, pointer=pointer, message=message, remedy=remedy),))
