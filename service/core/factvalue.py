"""Facts between JSON and the form that conditions read, both ways."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final

from service.core.expression import FactValue
from service.core.money import MoneyError, format_minor, parse_minor
from service.core.rulebook import Fact, FactType

TEXT_CHARS_MAX: Final = 1_000
TEXTS_MAX: Final = 100
INTEGER_MAX: Final = 2**53 - 1

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})")
_DURATION = re.compile(r"(\d{1,7})([smhdw])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class FactError(ValueError):
    """A JSON value that is no value of the fact's type: a code, what is wrong, what to write."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        """Keep the three apart."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy


def read_fact(fact: Fact, value: Any, decimals: int) -> FactValue:  # noqa: ANN401 — JSON
    """The value of a fact from its JSON form. Raises `FactError`."""
    return _READERS[fact.type](fact, value, decimals)


def json_of(fact: Fact, value: FactValue, decimals: int) -> str | int | bool | list[str]:
    """A value as entries hold it: integers, texts and booleans only; read back by `read_fact`."""
    if fact.type is FactType.MONEY and isinstance(value, int):
        return format_minor(value, decimals)
    if isinstance(value, datetime):
        return value.date().isoformat() if fact.type is FactType.DATE else rfc3339(value)
    if isinstance(value, timedelta):
        return f"{value // timedelta(seconds=1)}s"
    if isinstance(value, str | bool | int | list):
        return value
    return repr(value)


@lru_cache(maxsize=4_096)  # the windows of budgets show the same boundaries for a day or a month
def rfc3339(at: datetime) -> str:
    """An instant as RFC 3339 in UTC, with microseconds only where there are any."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return f"{utc.replace(tzinfo=None).isoformat()}Z"


def parse_duration(text: str) -> timedelta | None:
    """``90d``, ``72h``, ``15m``, ``30s``, ``2w``; ``None`` for anything else."""
    found = _DURATION.fullmatch(text)
    return None if found is None else timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def parse_timestamp(text: str) -> datetime | None:
    """An RFC 3339 instant with its offset, in UTC; ``None`` for anything else."""
    if _TIMESTAMP.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def check_text(value: Any, chars_max: int = TEXT_CHARS_MAX, *, lines: bool = False) -> str:  # noqa: ANN401 — JSON
    """A text that is not empty, not too long and without control characters.

    ``lines`` allows tabs and line breaks. Raises `FactError`.
    """
    if not isinstance(value, str):
        raise FactError("wrong_type", "a text is expected here", 'write a text in quotes: "…"')
    if len(value) <= chars_max and value.isprintable() and not value.isspace() and value:
        return value  # nearly every text: what follows only says what is wrong with the others
    if not value.strip():
        raise FactError("empty_text", "the text is empty", "leave the field out, or fill it")
    if len(value) > chars_max:
        raise FactError(
            "text_too_long",
            f"the text has {len(value)} characters, more than {chars_max}",
            f"shorten it to {chars_max} characters",
        )
    plain = re.sub(r"[\t\r\n]", "", value) if lines else value
    if _CONTROL.search(plain):
        raise FactError(
            "control_character", "the text holds a control character", "leave it out of the text"
        )
    return value


def _text(_: Fact, value: Any, __: int) -> str:  # noqa: ANN401 — JSON
    return check_text(value)


def _choice(fact: Fact, value: Any, _: int) -> str:  # noqa: ANN401 — JSON
    if not isinstance(value, str) or value not in fact.choices:
        listed = ", ".join(fact.choices)
        raise FactError(
            "not_a_choice", f"{fact.path} is none of its choices", f"write one of: {listed}"
        )
    return value


def _integer(fact: Fact, value: Any, _: int) -> int:  # noqa: ANN401 — JSON
    if isinstance(value, bool) or not isinstance(value, int):
        raise FactError("wrong_type", "a whole number is expected here", "write it bare, like 3")
    least = -INTEGER_MAX if fact.least is None else fact.least
    most = INTEGER_MAX if fact.most is None else fact.most
    if not least <= value <= most:
        raise FactError(
            "out_of_range",
            f"{fact.path} lies outside {least} to {most}",
            f"write a whole number from {least} to {most}",
        )
    return value


def _number(_: Fact, value: Any, __: int) -> FactValue:  # noqa: ANN401 — JSON
    if value is None or isinstance(value, bool | str | list | dict):
        raise FactError("wrong_type", "a number is expected here", "write it bare, like 12.5")
    if not -INTEGER_MAX <= value <= INTEGER_MAX:
        raise FactError("out_of_range", "the number is too large", "write a smaller number")
    number: FactValue = value
    return number


def _boolean(_: Fact, value: Any, __: int) -> bool:  # noqa: ANN401 — JSON
    if not isinstance(value, bool):
        raise FactError("wrong_type", "true or false is expected here", "write true or false")
    return value


def _money(_: Fact, value: Any, decimals: int) -> int:  # noqa: ANN401 — JSON
    return read_money(value, decimals)


def read_money(value: Any, decimals: int) -> int:  # noqa: ANN401 — JSON
    """Minor units of money in a request: a text, never a number. Raises `FactError`."""
    if not isinstance(value, str):
        raise FactError(
            "money_not_text",
            "money is written as a text",
            f'write it in quotes, like "{_example(decimals)}"',
        )
    try:
        return parse_minor(value, decimals)
    except MoneyError as error:
        plain = f"write a plain amount with at most {decimals} decimals"
        says = _NOT_THE_VALUE[error.code]
        raise FactError(error.code, says, f'{plain}, like "{_example(decimals)}"') from None


_NOT_THE_VALUE: Final = {
    "not_money": "this is no plain amount of money",
    "too_many_decimals": "the amount has more decimals than its currency",
    "amount_too_large": "the amount is larger than any may be",
}
"""What is wrong with money, without the value: a refusal never repeats what could be personal."""


def _example(decimals: int) -> str:
    return format_minor(15_000 if decimals else 150, decimals)


def _date(_: Fact, value: Any, __: int) -> datetime:  # noqa: ANN401 — JSON
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return datetime.combine(date.fromisoformat(value), time(0), tzinfo=UTC)
        except ValueError:
            pass
    raise FactError("not_a_date", "a date is expected here", 'write it like "2026-03-01"')


def _timestamp(_: Fact, value: Any, __: int) -> datetime:  # noqa: ANN401 — JSON
    found = parse_timestamp(value) if isinstance(value, str) else None
    if found is None:
        raise FactError(
            "not_a_timestamp",
            "an instant with its offset is expected here",
            'write it like "2026-03-01T21:00:00-05:00"',
        )
    return found


def _duration(_: Fact, value: Any, __: int) -> timedelta:  # noqa: ANN401 — JSON
    found = parse_duration(value) if isinstance(value, str) else None
    if found is None:
        raise FactError(
            "not_a_duration", "a duration is expected here", 'write it like "90m", "24h" or "3d"'
        )
    return found


def _texts(_: Fact, value: Any, __: int) -> list[str]:  # noqa: ANN401 — JSON
    if not isinstance(value, list) or len(value) > TEXTS_MAX:
        raise FactError(
            "wrong_type",
            f"a list of at most {TEXTS_MAX} texts is expected here",
            'write it like ["a", "b"]',
        )
    return [check_text(text) for text in value]


_READERS: Final[dict[FactType, Callable[[Fact, Any, int], FactValue]]] = {
    FactType.TEXT: _text,
    FactType.CHOICE: _choice,
    FactType.INTEGER: _integer,
    FactType.NUMBER: _number,
    FactType.BOOLEAN: _boolean,
    FactType.MONEY: _money,
    FactType.DATE: _date,
    FactType.TIMESTAMP: _timestamp,
    FactType.DURATION: _duration,
    FactType.TEXTS: _texts,
}
