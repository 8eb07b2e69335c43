"""What the CEL checker complains about, in the words of the people who write policies."""

import re
from collections.abc import Iterator

from service.policyfile.celcase import Case
from service.policyfile.celproblem import CelCode, CelProblem
from service.policyfile.celrules import money_and_number, money_division, money_product
from service.policyfile.celtext import Span
from service.policyfile.celtree import Call, Constant, Items, Node, children, walk
from service.policyfile.celvocabulary import STANDARD_FUNCTIONS, USAGE
from service.policyfile.suggestion import suggest

_COMPLAINT = re.compile(r"^(?:[A-Z_]+: )?ERROR: <input>:(-?\d+):(-?\d+): (.*)$", re.MULTILINE)
_UNDECLARED = re.compile(r"undeclared reference to '(.*)' \(in container")
_OVERLOAD = re.compile(r"found no matching overload for '(.*)' applied to '\((.*)\)'")
_UNREADABLE = "token recognition error"
_TYPE_WORDS = {
    "uint": "money",
    "int": "a whole number",
    "double": "a decimal number",
    "string": "text",
    "bool": "true or false",
    "timestamp": "a date or time",
    "duration": "a duration",
    "bytes": "bytes",
    "null_type": "null",
}
_REMEDIES = {
    frozenset({"int", "double"}): "Write both alike: 5.0 beside a decimal, 5 beside a whole one.",
    frozenset({"timestamp", "string"}): 'Write a day as date("2026-03-01").',
    frozenset({"timestamp", "int"}): "Add or subtract days: now - days(3).",
    frozenset({"duration", "int"}): "Write a number of days as days(3).",
    frozenset({"duration", "string"}): 'Write a duration as days(3) or duration("36h").',
    frozenset({"int", "string"}): "Write a number without quotes, and a text with them.",
    frozenset({"double", "string"}): "Write a number without quotes, and a text with them.",
    frozenset({"uint", "string"}): 'Write the amount as money("12.50").',
    frozenset({"bool", "string"}): "Write true and false without quotes.",
}
_SIGN_REMEDIES = {
    "=": "Write == to compare.",
    "&": "Write && for and.",
    "|": "Write || for or.",
    "and": "Write && for and.",
    "or": "Write || for or.",
    "not": "Write ! for not.",
    "is": "Write == to compare.",
    ";": "Leave the semicolon out.",
    "<>": "Write != for not equal.",
    "%": "Write percent(stay.total, 50) for a share of an amount.",
}


def complaints(report: str, tree: Node | None, case: Case) -> Iterator[CelProblem]:
    """A problem for each complaint in a report of the checker; at least one.

    ``tree`` is what the text parses as, where it does: it tells the numbers that a
    complaint about types is about.
    """
    found = _COMPLAINT.findall(report)
    if "recursion" in report or not found:
        yield _whole_text(report, case)
        return
    # After a character that is no part of the language, what follows only seems wrong.
    first = [complaint for complaint in found if _UNREADABLE in complaint[2]]
    for line, column, words in first or found:
        offset = case.source.offset_of(int(line), int(column))
        yield from _explain(words, offset, tree, case)


def _whole_text(report: str, case: Case) -> CelProblem:
    everything = Span(0, len(case.source.text))
    if "recursion" in report:
        return case.problem(
            CelCode.TOO_DEEP,
            everything,
            "This is nested too deeply.",
            "Split it into several rules, or use fewer parentheses.",
        )
    return case.problem(
        CelCode.NOT_VALID, everything, "This is no condition or amount.", "Write it anew, in parts."
    )


def _explain(words: str, offset: int, tree: Node | None, case: Case) -> Iterator[CelProblem]:
    if case.expanded.is_refused(offset):
        return  # said already, and what stands there is not what was written
    if found := _UNDECLARED.match(words):
        yield _undeclared(found[1], offset, case)
    elif found := _OVERLOAD.match(words):
        yield from _overload(
            found[1],
            tuple(_split(found[2].replace("google.protobuf.", "").lower())),
            offset,
            tree,
            case,
        )
    elif words.startswith("Syntax error"):
        yield _syntax(words, offset, case)
    else:
        yield _other(words, offset, case)


def _undeclared(name: str, offset: int, case: Case) -> CelProblem:
    number = case.source.find(offset)
    if number is not None and case.source.is_sign(number, "("):
        return _undeclared_function(name, offset, case)
    span = case.source.span_of_name(offset, name)
    if name in USAGE:
        return _usage(name, span, case)
    remedy = suggest(name, case.vocabulary.names)
    if any(name in fact.choices for fact in case.vocabulary.facts.values()):
        remedy = f'Write the text in quotes: "{name}".'
    elif "." not in name:
        remedy += f' If a text is meant, write it in quotes: "{name}".'
    return case.problem(
        CelCode.UNDECLARED_NAME, span, f"{name} is neither a fact nor a built-in.", remedy
    )


def _undeclared_function(name: str, offset: int, case: Case) -> CelProblem:
    name = name.removeprefix(".")
    if name in USAGE:
        return _usage(name, case.source.span(offset), case)
    if name in STANDARD_FUNCTIONS:
        return case.problem(
            CelCode.WRONG_ARGUMENTS,
            offset,
            f"{name}() does not take these arguments.",
            f"Check what {name}() is given, and whether it is written after a dot.",
        )
    remedy = suggest(name, STANDARD_FUNCTIONS | set(USAGE))
    return case.problem(CelCode.UNDECLARED_FUNCTION, offset, f"There is no {name}().", remedy)


def _usage(name: str, span: Span, case: Case) -> CelProblem:
    code = CelCode.KNOWN_NEEDS_A_FACT if name == "known" else CelCode.WRONG_ARGUMENTS
    return case.problem(
        code, span, f"{name}() is not used like this.", f"Write it as in {USAGE[name]}."
    )


def _overload(
    function: str, types: tuple[str, ...], offset: int, tree: Node | None, case: Case
) -> Iterator[CelProblem]:
    if "uint" in types and function in ("_/_", "_%_"):
        yield money_division(offset, case)
        return
    if "uint" in types and function == "_*_":
        yield money_product(offset, case)
        return
    numbers = tuple(_bare_numbers(function, types, offset, tree))
    if numbers:
        yield from (money_and_number(number, case) for number in numbers)
    elif function in USAGE:
        yield _usage(function, case.source.span(offset), case)
    elif _mixes_money(types):
        yield _money_and_other_number(offset, case)
    else:
        yield _wrong_types(function, types, offset, case)


def _mixes_money(types: tuple[str, ...]) -> bool:
    words = set(re.findall(r"\w+", " ".join(types)))
    return "uint" in words and bool(words & {"int", "double"})


def _bare_numbers(
    function: str, types: tuple[str, ...], offset: int, tree: Node | None
) -> Iterator[Constant]:
    """The number literals that stand where money belongs."""
    call = _call_at(offset, function, tree)
    if call is None:
        return
    if function in ("percent", "times"):
        yield from _numbers_in(call.args[0])
    elif function in ("least", "greatest") or _mixes_money(types):
        for argument in call.args:
            yield from _numbers_in(argument)


def _call_at(offset: int, function: str, tree: Node | None) -> Call | None:
    for node in walk(tree) if tree is not None else ():
        if isinstance(node, Call) and node.offset == offset and node.function == function:
            return node
    return None


def _numbers_in(node: Node) -> Iterator[Constant]:
    if isinstance(node, Constant) and node.type in ("int", "double"):
        yield node
    elif isinstance(node, Items) or (isinstance(node, Call) and node.function == "_?_:_"):
        for child in children(node):
            yield from _numbers_in(child)


def _money_and_other_number(offset: int, case: Case) -> CelProblem:
    return case.problem(
        CelCode.MONEY_AND_NUMBER,
        offset,
        "Money and a number do not go together.",
        f'Write the amount as money("{case.vocabulary.example}"), or use a money fact.',
    )


def _wrong_types(function: str, types: tuple[str, ...], offset: int, case: Case) -> CelProblem:
    sign = case.source.span(offset)
    written = case.source.text[sign.offset : sign.offset + sign.length]
    kinds = " and ".join(_in_words(kind) for kind in types)
    remedy = _REMEDIES.get(frozenset(types), "Compare and combine values of one kind.")
    if function in ("_&&_", "_||_", "!_"):
        remedy = "Write a condition there, such as incident.severity >= 3."
    return case.problem(
        CelCode.WRONG_TYPES, sign, f"`{written}` does not work with {kinds}.", remedy
    )


def _in_words(kind: str) -> str:
    if kind.startswith(("list(", "map(")):
        return "a list" if kind.startswith("list") else "a map"
    return _TYPE_WORDS.get(kind, "this")


def _split(types: str) -> Iterator[str]:
    """The types of a call: those between commas that are in no parentheses."""
    depth, kind = 0, ""
    for character in types:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            yield kind.strip()
            kind = ""
        else:
            kind += character
    if kind.strip():
        yield kind.strip()


def _syntax(words: str, offset: int, case: Case) -> CelProblem:
    span = case.source.span(offset)
    written = case.source.text[span.offset : span.offset + span.length]
    if not written:
        missing = re.search(r"missing '(.)'", words)
        message = f"A `{missing[1]}` is missing." if missing else "Something is missing at the end."
        return case.problem(CelCode.SYNTAX_ERROR, span, message, "Write the rest of it.")
    if written in ('"', "'"):
        message, remedy = "A text begins here and does not end.", "Close the quotes."
    else:
        message = f"`{written}` cannot stand here."
        remedy = _SIGN_REMEDIES.get(written.lower(), "Take it out, or write what belongs here.")
    return case.problem(CelCode.SYNTAX_ERROR, span, message, remedy)


def _other(words: str, offset: int, case: Case) -> CelProblem:
    for marker, code, message, remedy in _OTHERS:
        if marker in words:
            return case.problem(code, offset, message, remedy)
    return case.problem(
        CelCode.NOT_VALID, offset, "This cannot stand here.", "Write it in another way."
    )


_OTHERS = (
    (
        "operand of a select",
        CelCode.NO_SUCH_FIELD,
        "What stands before this dot has no parts.",
        "Leave out the dot and what follows it.",
    ),
    (
        "range of a comprehension",
        CelCode.WRONG_TYPES,
        "Only the elements of a list can be gone through.",
        'Use a list, such as agent.roles, or ["a", "b"].',
    ),
    (
        "variable name",
        CelCode.SYNTAX_ERROR,
        "The first argument names the element.",
        'Write a plain name first: agent.roles.exists(role, role == "front_desk").',
    ),
    (
        "reserved identifier",
        CelCode.SYNTAX_ERROR,
        "This word is reserved.",
        "Use another name, or put a text in quotes.",
    ),
    (
        "literal",
        CelCode.NUMBER_TOO_LARGE,
        "This literal cannot be read: it is too large, or has a wrong escape.",
        "Write a smaller number, or the text without a backslash.",
    ),
)
