"""Arguments that are written out: what could never be right is said when the policy loads."""

from collections.abc import Callable, Iterator, Mapping
from zoneinfo import ZoneInfo

from service.policyfile.celcase import Case
from service.policyfile.celfunctions import DAYS_MAX, parse_date
from service.policyfile.celproblem import CelCode, CelProblem
from service.policyfile.celtree import Constant, Node
from service.policyfile.celvocabulary import ZONED

_INFINITE = float("inf")


def _date(argument: Node, case: Case) -> Iterator[CelProblem]:
    if not (isinstance(argument, Constant) and isinstance(argument.value, str)):
        yield case.problem(
            CelCode.DATE_NEEDS_A_LITERAL,
            case.at(argument),
            "date() takes a day in quotes.",
            'Write the day itself: date("2026-03-01"). A date fact needs no date().',
        )
        return
    try:
        parse_date(argument.value)
    except ValueError:
        yield case.problem(
            CelCode.NOT_A_DATE,
            case.at(argument),
            f'"{argument.value}" is no day.',
            'Write year, month and day: date("2026-03-01").',
        )


def _share(argument: Node, case: Case) -> Iterator[CelProblem]:
    if (number := _number(argument)) is not None and not 0 <= number < _INFINITE:
        yield case.problem(
            CelCode.NEGATIVE_SHARE,
            case.at(argument),
            "A share of money is 0 or more.",
            "Write a share such as 50 or 12.5; subtract the result to take it away.",
        )


def _factor(argument: Node, case: Case) -> Iterator[CelProblem]:
    if (number := _number(argument)) is not None and number < 0:
        yield case.problem(
            CelCode.NEGATIVE_FACTOR,
            case.at(argument),
            "Money cannot be taken a negative number of times.",
            "Write 0 or more; subtract the result to take it away.",
        )


def _days(argument: Node, case: Case) -> Iterator[CelProblem]:
    if (number := _number(argument)) is not None and abs(number) > DAYS_MAX:
        yield case.problem(
            CelCode.TOO_MANY_DAYS,
            case.at(argument),
            f"No duration is longer than {DAYS_MAX} days.",
            "Write fewer days.",
        )


def _zone(argument: Node, case: Case) -> Iterator[CelProblem]:
    """A zone that does not exist would make the condition fail each time it is asked."""
    if not (isinstance(argument, Constant) and isinstance(argument.value, str)):
        return
    try:
        ZoneInfo(argument.value)
    except (ValueError, OSError, LookupError):
        if not _is_offset(argument.value):
            yield case.problem(
                CelCode.UNKNOWN_ZONE,
                case.at(argument),
                f'"{argument.value}" is no time zone.',
                'Write a zone such as "Europe/Vienna", or site.timezone without quotes.',
            )


def _is_offset(text: str) -> bool:
    hours, _, minutes = text.removeprefix("-").removeprefix("+").partition(":")
    return all(len(part) == 2 and part.isdecimal() for part in (hours, minutes))  # noqa: PLR2004


def _number(node: Node) -> int | float | None:
    if isinstance(node, Constant) and isinstance(node.value, int | float):
        return node.value
    return None


ARGUMENTS: Mapping[str, Callable[[Node, Case], Iterator[CelProblem]]] = {
    "date": _date,
    "percent": _share,
    "times": _factor,
    "days": _days,
    **dict.fromkeys(ZONED, _zone),
}
"""What is asked of the last argument of a function."""
