"""What is wrong with a condition or a computed limit, said so that a manager can mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn


class CelCode(StrEnum):
    """The kinds of problem. Stable: editors, tests and the documentation rely on them."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    TOO_DEEP = "too_deep"
    RUNS_TOO_LONG = "runs_too_long"
    NOT_TEXT = "not_text"
    SYNTAX_ERROR = "syntax_error"
    NUMBER_TOO_LARGE = "number_too_large"
    NOT_VALID = "not_valid"
    UNDECLARED_NAME = "undeclared_name"
    UNDECLARED_FUNCTION = "undeclared_function"
    NAME_TAKEN = "name_taken"
    NO_SUCH_FIELD = "no_such_field"
    WRONG_TYPES = "wrong_types"
    WRONG_ARGUMENTS = "wrong_arguments"
    MIXED_TYPES = "mixed_types"
    NOT_A_CONDITION = "not_a_condition"
    NOT_AN_AMOUNT = "not_an_amount"
    MONEY_AND_NUMBER = "money_and_number"
    MONEY_NEEDS_A_LITERAL = "money_needs_a_literal"
    MONEY_CONVERSION = "money_conversion"
    MONEY_DIVISION = "money_division"
    MONEY_PRODUCT = "money_product"
    NOT_MONEY = "not_money"
    TOO_MANY_DECIMALS = "too_many_decimals"
    AMOUNT_TOO_LARGE = "amount_too_large"
    UINT_LITERAL = "uint_literal"
    DYN_REFUSED = "dyn_refused"
    HAS_REFUSED = "has_refused"
    TYPES_REFUSED = "types_refused"
    MESSAGES_REFUSED = "messages_refused"
    IMPOSSIBLE_CHOICE = "impossible_choice"
    KNOWN_NEEDS_A_FACT = "known_needs_a_fact"
    KNOWN_NOT_OPTIONAL = "known_not_optional"
    PERSONAL_FACT = "personal_fact"
    FORBIDDEN_VARIABLE = "forbidden_variable"
    DATE_NEEDS_A_LITERAL = "date_needs_a_literal"
    NOT_A_DATE = "not_a_date"
    UNKNOWN_ZONE = "unknown_zone"
    NEGATIVE_SHARE = "negative_share"
    NEGATIVE_FACTOR = "negative_factor"
    TOO_MANY_DAYS = "too_many_days"


@dataclass(frozen=True, slots=True, kw_only=True)
class CelProblem:
    """One thing that is wrong, where, and what to write instead.

    ``offset`` and ``length`` are in characters (code points) of the text as it was
    given, from 0; at the end of the text the length is 0. ``code`` is a `CelCode`.
    """

    code: str
    offset: int
    length: int
    message: str
    remedy: str


class CelError(Exception):
    """A text that cannot be used. ``problems`` has all of them, by offset, never none."""

    def __init__(self, problems: tuple[CelProblem, ...]) -> None:
        """Keep the problems; the message lists them for whoever sees only that."""
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


def refuse(code: CelCode, text: str, message: str, remedy: str) -> NoReturn:
    """Raise `CelError` for a text as a whole."""
    problem = CelProblem(code=code, offset=0, length=len(text), message=message, remedy=remedy)
    raise CelError((problem,))


def raise_any(problems: Iterable[CelProblem]) -> None:
    """Raise `CelError` where there is any: two readings of one mistake are one problem."""
    once = {(problem.offset, problem.code): problem for problem in problems}
    if once:
        raise CelError(tuple(once[key] for key in sorted(once))) from None
