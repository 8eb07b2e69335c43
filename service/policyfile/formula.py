"""Conditions and limits of a set: texts to expressions, every problem at its character."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from service.core.expression import Bind, Expression
from service.core.money import MoneyError, parse_minor
from service.core.rulebook import Fact, MoneyLimit
from service.policyfile.celproblem import CelError
from service.policyfile.cutshort import find_cut_expression
from service.policyfile.draft import Draft
from service.policyfile.place import Place
from service.policyfile.problem import Problem

_NUMBER_LIKE = re.compile(r"\s*[-+]?[0-9.][0-9.,_' ]*\s*")
_WITH_CURRENCY = re.compile(
    r"\s*(?:(?:[A-Z]{3}|[$€£¥])\s*[-+]?([0-9.,]+)|([0-9.,]+)\s*(?:[A-Z]{3}|[$€£¥]))\s*"
)

_FROM_FACTS = "Compute it from facts; what depends on the amount asked belongs into `when`."
ASKED: Mapping[str, str] = {"request.amount": _FROM_FACTS, "request.quantity": _FROM_FACTS}
"""What no limit and no worth may read, since both say what may be asked; with the remedy."""


class Environment(Protocol):
    """What compiles expressions: `service.policyfile.cel.Environment`."""

    @property
    def bind(self) -> Bind:
        """Makes scopes for its expressions."""

    def conditions(self, texts: Sequence[str]) -> Sequence[Expression | CelError]:
        """For each text a condition, or what is wrong with it."""

    def amounts(
        self, texts: Sequence[str], *, forbid: Mapping[str, str]
    ) -> Sequence[Expression | CelError]:
        """For each text an amount of money, or what is wrong with it."""


class MakeEnvironment(Protocol):
    """How an environment is made from the facts and the currency of a set."""

    def __call__(self, *, facts: Mapping[str, Fact], currency: str, decimals: int) -> Environment:
        """Only the facts that are sound are given."""


class Formulas:
    """Compiles the expressions of one set; each text once.

    A text that mentions a fact whose declaration is broken is left alone: what is wrong
    with it cannot be known before the declaration is mended.
    """

    def __init__(
        self, environment: Environment, decimals: int, unsound: frozenset[str], found: list[Problem]
    ) -> None:
        """``unsound`` are the paths of broken facts; problems are added to ``found``."""
        self._environment = environment
        self._decimals = decimals
        self._unsound = _any_of(unsound)
        self._found = found
        self._conditions: dict[str, Expression | CelError] = {}
        self._amounts: dict[str, Expression | CelError] = {}

    def prepare(self, draft: Draft) -> None:
        """Compile together what the draft will ask for; one by one it takes longer.

        Nothing is said of what is wrong: that waits until it is asked for at its place.
        """
        conditions = _each_once(
            (
                *(entry.value.when for entry in draft.grants),
                *(entry.value.when for entry in draft.budgets),
                *(entry.value.when for entry in draft.prohibitions),
            )
        )
        amounts = _each_once(
            (
                *(entry.value.worth for entry in draft.resolutions.values()),
                *(entry.value.up_to for entry in draft.grants),
                *(entry.value.exactly for entry in draft.grants),
            )
        )
        computed = [text for text in amounts if not _is_constant(text)]
        self._conditions.update(
            zip(conditions, self._environment.conditions(conditions), strict=True)
        )
        self._amounts.update(zip(computed, self._amounts_of(computed), strict=True))

    def condition(self, place: Place, text: str | None) -> Expression | None:
        """The condition at a place; None where there is none or it is wrong."""
        if text is None:
            return None
        return self._compile(place, text, self._conditions, self._environment.conditions)

    def limit(self, place: Place, text: str | None) -> MoneyLimit | None:
        """Constant or computed money at a place; None where there is none or it is wrong."""
        if text is None:
            return None
        if _is_constant(text):
            return self.money(place, text)
        return self._compile(place, text, self._amounts, self._amounts_of)

    def money(self, place: Place, text: str | None) -> int | None:
        """Constant money in minor units; None where there is none or it is wrong."""
        if text is None:
            return None
        try:
            return parse_minor(text, self._decimals)
        except MoneyError as error:
            self._found.append(place.problem(error.code, *self._words(error.code, text)))
            return None

    def _amounts_of(self, texts: Sequence[str]) -> Sequence[Expression | CelError]:
        return self._environment.amounts(texts, forbid=ASKED)

    def _compile(
        self,
        place: Place,
        text: str,
        known: dict[str, Expression | CelError],
        compile_texts: Callable[[Sequence[str]], Sequence[Expression | CelError]],
    ) -> Expression | None:
        cut = find_cut_expression(place)
        if cut is not None:
            self._found.append(cut)
            return None
        if text not in known:
            known[text] = compile_texts((text,))[0]
        found = known[text]
        if not isinstance(found, CelError):
            return found
        if not self._mentions_unsound(text):
            self._found.extend(
                place.problem(str(it.code), it.message, it.remedy, offset=it.offset)
                for it in found.problems
            )
        return None

    def _mentions_unsound(self, text: str) -> bool:
        return self._unsound is not None and self._unsound.search(text) is not None

    def _words(self, code: str, text: str) -> tuple[str, str]:
        """What is wrong with a constant, and what to write instead."""
        if code == "too_many_decimals":
            decimals = f"at most {self._decimals}" if self._decimals else "no"
            return f"`{text}` has more decimals than the currency.", f"Write {decimals} decimals."
        plain = _plain_number(text)
        if plain.startswith("-"):
            return f"`{text}` is less than nothing.", "Write an amount of 0 or more."
        if code == "amount_too_large" or plain == text:
            return f"`{text}` is more than any amount may be.", "Write a smaller amount."
        try:
            parse_minor(plain, self._decimals)
        except MoneyError:
            plain = "200"
        return f"`{text}` is no amount of money.", f'Write a plain number: "{plain}"'


def _any_of(paths: frozenset[str]) -> re.Pattern[str] | None:
    """What finds a fact's path in a text, as far as can be seen without reading it."""
    if not paths:
        return None
    return re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, sorted(paths)))})(?!\w)")


def _plain_number(text: str) -> str:
    """The digits of an amount that was written with a currency, blanks or separators."""
    if text.count(",") == 1 and not re.search(r",[0-9]{3}(?![0-9])", text):
        text = text.replace(".", "").replace(",", ".")  # a decimal comma
    return re.sub(r"[^-0-9.]", "", text)


def _is_constant(text: str) -> bool:
    """Whether a text is meant as a number, even if it is none that is read."""
    return bool(_NUMBER_LIKE.fullmatch(text) or _WITH_CURRENCY.fullmatch(text))


def _each_once(texts: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text is not None))
