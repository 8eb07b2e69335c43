"""The words of the policy language: what a name, a sum, a duration or a condition looks like.

Each is a type for pydantic that takes what YAML gave, refuses everything else with a code,
plain words and a remedy, and tells editors the same as JSON Schema. ``{raw}`` in a remedy
stands for what the file says.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from service.core.money import CURRENCY_DECIMALS
from service.policyfile.duration import DURATION_PATTERN, parse_duration
from service.policyfile.suggestion import suggest

NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"
SITE = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
FACT = r"^[A-Za-z_][A-Za-z0-9_]{0,63}(\.[A-Za-z_][A-Za-z0-9_]{0,63}){0,3}$"
KIND = r"^[a-z][a-z_]{0,63}$"
CURRENCY = r"^[A-Z]{3}$"
MONEY = r"^(0|[1-9][0-9]{0,15})(\.[0-9]{1,6})?$"
RATE = r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,10})?$"
TIME_OF_DAY = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
HOURS = r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
DAY_OF_YEAR = r"^(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$"

TEXT_CHARACTERS_MAX = 500
EXPRESSION_CHARACTERS_MAX = 2000

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def refuse(code: str, message: str, remedy: str) -> NoReturn:
    """Raise what the reader of shapes turns into a problem at the right place."""
    raise PydanticCustomError(code, "{message}", {"message": message, "remedy": remedy})


def kind_of(value: object) -> str:
    """What a YAML value is, in the words of a reader."""
    words: Mapping[type, str] = {
        str: "text",
        bool: "true or false",
        int: "a whole number",
        float: "a decimal number",
        list: "a list",
        dict: "a mapping",
        type(None): "nothing",
    }
    return words.get(type(value), "something else")


def _text(value: object, noun: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        refuse("wrong_type", f"{_begin(noun)} is text, not {kind_of(value)}.", 'Quote it: "{raw}"')
    return refuse("wrong_type", f"{_begin(noun)} is text, not {kind_of(value)}.", "Write text.")


def _begin(noun: str) -> str:
    """The noun as the beginning of a sentence."""
    return noun[:1].upper() + noun[1:]


def _matching(noun: str, pattern: str, remedy: str) -> Callable[[object], str]:
    compiled = re.compile(pattern)

    def check(value: object) -> str:
        text = _text(value, noun)
        # `$` also matches before a line break at the end; a name has none.
        if not compiled.fullmatch(text):
            refuse("malformed", f"`{text}` is not {noun}.", remedy)
        return text

    return check


def _bounded(noun: str, characters_max: int) -> Callable[[object], str]:
    def check(value: object) -> str:
        text = _text(value, noun)
        if not text.strip():
            refuse("empty_text", f"{_begin(noun)} is empty.", "Write it, or delete the key.")
        if len(text) > characters_max:
            refuse(
                "text_too_long",
                f"{_begin(noun)} has {len(text)} characters, more than {characters_max}.",
                "Say it shorter.",
            )
        return text

    return check


def _name(value: object) -> str:
    text = _NAME_CHECK(value)
    if text == "any":
        refuse("reserved_name", "`any` means every one, so nothing can be named so.", "Rename it.")
    return text


_NAME_CHECK = _matching(
    "a name",
    NAME,
    "Write letters, digits, `_` and `-`, beginning with a letter, 64 at most.",
)


def _money(value: object) -> str:
    """Constant money as text; its decimals are checked once the currency is known."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(
            "wrong_type",
            f"An amount of money is a number, not {kind_of(value)}.",
            'Write a whole number, or a decimal in quotes: "200.50"',
        )
    if isinstance(value, float):
        refuse(
            "bare_decimal",
            "A decimal without quotes is rounded to binary by YAML readers.",
            'Quote it: "{raw}"',
        )
    return str(value)


def _money_or_expression(value: object) -> str:
    text = _money(value)
    return _EXPRESSION_CHECK(text)


_EXPRESSION_CHECK = _bounded("an expression", EXPRESSION_CHARACTERS_MAX)


def _expression(value: object) -> str:
    if isinstance(value, bool):
        refuse(
            "wrong_type",
            "A condition is an expression, not true or false.",
            "Leave `when` out where the rule always holds; delete the rule where it never does.",
        )
    return _EXPRESSION_CHECK(value)


def _duration(value: object) -> timedelta:
    text = _text(value, "a duration")
    try:
        return parse_duration(text)
    except ValueError:
        refuse(
            "malformed",
            f"`{text}` is not a duration of at most ten years.",
            "Write a whole number and s, m, h, d or w: `15m`, `72h`, `90d`.",
        )


def _currency(value: object) -> str:
    text = _text(value, "a currency")
    if text not in CURRENCY_DECIMALS:
        refuse(
            "unknown_currency",
            f"`{text}` is no currency of ISO 4217.",
            suggest(text.upper(), CURRENCY_DECIMALS),
        )
    return text


def _rate(value: object) -> str:
    if isinstance(value, float):
        refuse(
            "bare_decimal",
            "A decimal without quotes is rounded to binary by YAML readers.",
            'Quote it: "{raw}"',
        )
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not re.fullmatch(RATE, text) or not text.strip("0."):
        refuse(
            "malformed",
            "A rate is a decimal above zero in quotes.",
            'Write what one unit of it is worth in the set\'s currency: "1.08"',
        )
    return text


def _timezone(value: object) -> ZoneInfo:
    text = _text(value, "a timezone")
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        refuse(
            "unknown_timezone",
            f"`{text}` is no timezone of the IANA database.",
            "Write a name such as `America/New_York` or `Europe/Vienna`.",
        )


def _time_of_day(value: object) -> time:
    text = _TIME_CHECK(value)
    return time(int(text[:2]), int(text[3:]))


_TIME_CHECK = _matching("a time of the day", TIME_OF_DAY, 'Write hours and minutes: "04:00"')


def _hours(value: object) -> tuple[int, int]:
    text = _HOURS_CHECK(value)
    begin, end = ((int(part[:2]) * 60 + int(part[3:])) for part in text.split("-"))
    if begin == end:
        refuse(
            "empty_hours",
            "The hours end when they begin.",
            'Write from and to, such as "07:00-23:00"; leave them out for day and night.',
        )
    return begin, end


_HOURS_CHECK = _matching("a stretch of the day", HOURS, 'Write from and to: "07:00-23:00"')


def _day_of_year(value: object) -> tuple[int, int]:
    text = _DAY_CHECK(value)
    return int(text[:2]), int(text[3:])


_DAY_CHECK = _matching(
    "a day that every month has",
    DAY_OF_YEAR,
    'Write month and day, the day from 01 to 28: "04-01"',
)


def _schema(pattern: str, *examples: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples)})


_MONEY_SCHEMA: dict[str, object] = {
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": MONEY}]
}

Name = Annotated[str, PlainValidator(_name), _schema(NAME, "front_desk")]
SiteName = Annotated[
    str,
    PlainValidator(_matching("a site", SITE, "Write letters, digits, `_` and `-`, 64 at most.")),
    _schema(SITE, "new_york"),
]
FactPath = Annotated[
    str,
    PlainValidator(
        _matching("a fact's path", FACT, "Write one to four names with dots: `guest.tier`.")
    ),
    _schema(FACT, "guest.tier"),
]
EvidenceKind = Annotated[
    str,
    PlainValidator(
        _matching("a kind of evidence", KIND, "Write small letters and `_`, such as `photo`.")
    ),
    _schema(KIND, "note", "photo"),
]
Sentence = Annotated[
    str,
    PlainValidator(_bounded("a sentence", TEXT_CHARACTERS_MAX)),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": TEXT_CHARACTERS_MAX}),
]
Label = Annotated[
    str,
    PlainValidator(_bounded("a text", 128)),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 128}),
]
Money = Annotated[str, PlainValidator(_money), WithJsonSchema(_MONEY_SCHEMA)]
MoneyOrExpression = Annotated[
    str,
    PlainValidator(_money_or_expression),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]}),
]
Condition = Annotated[
    str,
    PlainValidator(_expression),
    WithJsonSchema({"type": "string", "maxLength": EXPRESSION_CHARACTERS_MAX}),
]
Duration = Annotated[timedelta, PlainValidator(_duration), _schema(DURATION_PATTERN, "90d")]
Currency = Annotated[str, PlainValidator(_currency), _schema(CURRENCY, "USD")]
Rate = Annotated[str, PlainValidator(_rate), _schema(RATE, "1.08")]
Timezone = Annotated[
    ZoneInfo,
    PlainValidator(_timezone),
    WithJsonSchema({"type": "string", "examples": ["America/New_York"]}),
]
TimeOfDay = Annotated[time, PlainValidator(_time_of_day), _schema(TIME_OF_DAY, "04:00")]
Hours = Annotated[tuple[int, int], PlainValidator(_hours), _schema(HOURS, "07:00-23:00")]
DayOfYear = Annotated[tuple[int, int], PlainValidator(_day_of_year), _schema(DAY_OF_YEAR, "04-01")]


def _instant(value: object) -> datetime:
    text = _text(value, "an instant")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or "T" not in text:
        refuse(
            "malformed",
            f"`{text}` is not an instant with its distance from UTC.",
            "Write it by RFC 3339: 2026-03-01T21:00:00-05:00",
        )
    return instant


Instant = Annotated[
    datetime,
    PlainValidator(_instant),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": ["2026-03-01T21:00:00-05:00"]}
    ),
]
