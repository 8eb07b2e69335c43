"""``known()`` and ``money()``: written as functions, replaced before CEL sees the text.

A replacement is as long as what it replaces, so that every position stays true.
``known(guest.tier)`` becomes the boolean ``known.guest.tier``, and ``money("12.50")`` the
literal ``1250u``, which costs nothing at run time. What cannot be replaced becomes a
harmless stand-in, so that the rest of the text is checked all the same.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from service.core.money import MoneyError, parse_minor
from service.policyfile.celproblem import CelCode, CelProblem
from service.policyfile.celtext import BLANK, COMMENT, NAME, NUMBER, TEXT, Source, Span, Token
from service.policyfile.celvocabulary import KNOWN, Vocabulary
from service.policyfile.suggestion import suggest

_NAMES = ("known", "money", "has")
_NO_CALLS: Mapping[str, tuple["_Call", ...]] = dict.fromkeys(_NAMES, ())
_MENTIONED = re.compile("|".join(_NAMES))
_OURS = rf"(?:{_MENTIONED.pattern})(?![A-Za-z0-9_])"
# After a dot it is a method, and glued to a number it is no name at all.
_WORD = re.compile(
    rf"(?:{TEXT}|{NUMBER})(?:{_OURS})? | \.{BLANK}{_OURS}"
    rf" | (?P<called>{_OURS}) | {NAME} | {COMMENT}",
    re.VERBOSE,
)


@dataclass(slots=True)
class Expanded:
    """The text for CEL, where its own literals of money and names of known() begin.

    ``knows`` has the spans that known() took, with the name inside each.
    """

    text: str
    moneys: set[int] = field(default_factory=set)
    knows: dict[Span, str] = field(default_factory=dict)
    stand_ins: list[Span] = field(default_factory=list)
    problems: list[CelProblem] = field(default_factory=list)

    def refuse(self, problem: CelProblem, span: Span) -> None:
        """Keep the problem, and let ``true`` stand where it is."""
        self.problems.append(problem)
        self.stand_ins.append(span)
        self.put(span, "true")

    def put(self, span: Span, text: str) -> None:
        """Replace a span, filled up with blanks."""
        end = span.offset + span.length
        self.text = self.text[: span.offset] + text.ljust(span.length) + self.text[end:]

    def is_known(self, offset: int) -> bool:
        """Whether known() stood at the offset."""
        return _within(self.knows, offset)

    def is_refused(self, offset: int) -> bool:
        """Whether something at the offset was refused already."""
        return _within(self.stand_ins, offset)


def _within(spans: Iterable[Span], offset: int) -> bool:
    return any(span.offset <= offset < span.offset + span.length for span in spans)


class _Call(NamedTuple):
    """A call in the text: its span, and the tokens between the parentheses."""

    span: Span
    inner: tuple[Token, ...]

    @property
    def inner_span(self) -> Span:
        """Where the argument stands; the whole call where there is none."""
        if not self.inner:
            return self.span
        return Span(self.inner[0].start, self.inner[-1].end - self.inner[0].start)


def expand(source: Source, vocabulary: Vocabulary, forbid: Mapping[str, str]) -> Expanded:
    """The text without ``known()`` and ``money()``, and what is wrong with those in it."""
    expanded = Expanded(source.text)
    calls = _calls(source)
    for call in calls["known"]:
        _expand_known(call, expanded, vocabulary, forbid)
    for call in calls["money"]:
        if not expanded.is_refused(call.span.offset):
            _expand_money(call, expanded, vocabulary)
    for call in calls["has"]:
        if not expanded.is_refused(call.span.offset):
            _refuse_has(call, expanded)
    return expanded


def _calls(source: Source) -> Mapping[str, Sequence[_Call]]:
    """The calls of each of the functions, in the order of the text."""
    if not _MENTIONED.search(source.text):
        return _NO_CALLS
    calls: dict[str, list[_Call]] = {name: [] for name in _NAMES}
    for found in _WORD.finditer(source.text):
        if found.lastgroup == "called":
            inside = source.parentheses_after(found.end())
            if inside is not None:
                span = Span(found.start(), inside[1] + 1 - found.start())
                calls[found[0]].append(_Call(span, source.tokens_between(*inside)))
    return calls


def _expand_known(
    call: _Call, expanded: Expanded, vocabulary: Vocabulary, forbid: Mapping[str, str]
) -> None:
    name = "".join(token.text for token in call.inner)
    problem = _wrong_with_known(call, name, vocabulary, forbid)
    if problem is not None:
        expanded.refuse(problem, call.span)
        return
    expanded.put(call.span, KNOWN + name)
    expanded.knows[call.span] = name


def _wrong_with_known(
    call: _Call, name: str, vocabulary: Vocabulary, forbid: Mapping[str, str]
) -> CelProblem | None:
    if name in forbid:
        return forbidden(call.inner_span, name, forbid)
    if name in vocabulary.personal:
        return personal(call.inner_span, name)
    if name in vocabulary.optional:
        return None
    if name in vocabulary.facts:
        return _problem(
            CelCode.KNOWN_NOT_OPTIONAL,
            call.inner_span,
            f"{name} is not declared optional, so it is always expected.",
            f"Declare it with `optional: true`, or write {name} without known().",
        )
    return _problem(
        CelCode.KNOWN_NEEDS_A_FACT,
        call.inner_span,
        "known() takes the name of an optional fact.",
        suggest(name, vocabulary.optional),
    )


def _expand_money(call: _Call, expanded: Expanded, vocabulary: Vocabulary) -> None:
    minor = 0
    written = _literal(call.inner)
    if written is None:
        expanded.problems.append(
            _problem(
                CelCode.MONEY_NEEDS_A_LITERAL,
                call.inner_span,
                "money() takes an amount in quotes.",
                f'Write the amount itself: money("{vocabulary.example}").',
            )
        )
    else:
        try:
            minor = parse_minor(written, vocabulary.decimals)
        except MoneyError as error:
            remedy = f'Write a plain amount of {vocabulary.currency}: "{vocabulary.example}".'
            code = CelCode(error.code)
            expanded.problems.append(_problem(code, call.inner_span, f"{error}.", remedy))
    expanded.put(call.span, f"{minor}u")
    expanded.moneys.add(call.span.offset)


def _literal(inner: tuple[Token, ...]) -> str | None:
    """What stands in the quotes, where one plain quoted text is all there is."""
    if len(inner) != 1 or inner[0].kind != "text" or inner[0].text[0] not in "\"'":
        return None
    text = inner[0].text
    quotes = 3 if text[:3] in ('"""', "'''") else 1
    return None if "\\" in text else text[quotes:-quotes]


def _refuse_has(call: _Call, expanded: Expanded) -> None:
    problem = _problem(
        CelCode.HAS_REFUSED,
        Span(call.span.offset, len("has")),
        "has() does not tell whether a fact was given.",
        "Write known(guest.tier), with the name of an optional fact.",
    )
    expanded.refuse(problem, call.span)


def personal(span: Span, name: str) -> CelProblem:
    """A personal fact is read."""
    return _problem(
        CelCode.PERSONAL_FACT,
        span,
        f"{name} is personal, and no decision may depend on what erasure removes.",
        "Use a fact that is not personal, such as a tier or a count.",
    )


def forbidden(span: Span, name: str, forbid: Mapping[str, str]) -> CelProblem:
    """A variable is read where it may not be."""
    return _problem(CelCode.FORBIDDEN_VARIABLE, span, f"{name} may not be read here.", forbid[name])


def _problem(code: CelCode, span: Span, message: str, remedy: str) -> CelProblem:
    return CelProblem(
        code=code, offset=span.offset, length=span.length, message=message, remedy=remedy
    )
