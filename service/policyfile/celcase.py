"""An expression that is being looked into, and how to say what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.policyfile.celproblem import CelCode, CelProblem, refuse
from service.policyfile.celshorthand import Expanded, expand
from service.policyfile.celtext import Source, Span
from service.policyfile.celtree import Constant, Name, Node
from service.policyfile.celvocabulary import Vocabulary

EXPRESSION_CHARS_MAX = 2000
"""The longest text of one expression, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One text under examination."""

    source: Source
    expanded: Expanded
    vocabulary: Vocabulary
    forbid: Mapping[str, str]

    def problem(self, code: CelCode, where: Span | int, message: str, remedy: str) -> CelProblem:
        """A problem at a span, or at what starts at an offset."""
        span = self.source.span(where) if isinstance(where, int) else where
        return CelProblem(
            code=code, offset=span.offset, length=span.length, message=message, remedy=remedy
        )

    def at(self, node: Node) -> Span:
        """The characters that a node is known by: a whole name, a literal, a sign."""
        if isinstance(node, Name):
            return self.source.span_of_name(node.offset, node.name)
        if isinstance(node, Constant):
            return self.source.span_of_literal(node.offset)
        return self.source.span(node.offset)


def open_case(text: str, vocabulary: Vocabulary, forbid: Mapping[str, str]) -> Case:
    """A text to be looked into. Raises `CelError` where it need not be read any further."""
    if not text.strip():
        refuse(CelCode.EMPTY, text, "Nothing is written here.", "Write a condition or an amount.")
    if len(text) > EXPRESSION_CHARS_MAX:
        message = f"This has {len(text)} characters; {EXPRESSION_CHARS_MAX} are the most."
        refuse(CelCode.TOO_LONG, text, message, "Split it into several rules.")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        refuse(CelCode.NOT_TEXT, text, "This holds half a character.", "Write it anew.")
    source = Source(text)
    expanded = expand(source, vocabulary, forbid)
    return Case(source=source, expanded=expanded, vocabulary=vocabulary, forbid=forbid)
