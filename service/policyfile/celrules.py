"""What the language refuses although CEL would allow it, found on the tree.

Money is a uint so that no bare number passes for it. Each rule here closes one way around
that, or keeps a condition from reading what it may not read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from service.policyfile.celarguments import ARGUMENTS
from service.policyfile.celcase import Case
from service.policyfile.celproblem import CelCode, CelProblem
from service.policyfile.celshorthand import forbidden, personal
from service.policyfile.celtext import Span
from service.policyfile.celtree import (
    Call,
    Comprehension,
    Constant,
    Entries,
    Items,
    Name,
    Node,
    children,
)
from service.policyfile.celvocabulary import FACT_TYPES, KNOWN
from service.policyfile.suggestion import suggest

_NUMBERS = frozenset({"int", "double"})
_TYPED = frozenset((*FACT_TYPES.values(), "null", ""))


def of_another_kind(tree: Node, kind: str, case: Case) -> Iterator[CelProblem]:
    """The expression is no condition, or no amount of money, though it should be."""
    if tree.type == kind or "dyn" in tree.type:
        return  # what has no type of its own is refused by a rule that says more
    everything = Span(0, len(case.source.text))
    if kind == "bool":
        yield case.problem(
            CelCode.NOT_A_CONDITION,
            everything,
            "This is not true or false.",
            "Compare it with something, as in incident.severity >= 3.",
        )
    else:
        number = tree.value if isinstance(tree, Constant) else None
        spelled = case.vocabulary.spell(number if isinstance(number, int | float) else -1)
        yield case.problem(
            CelCode.NOT_AN_AMOUNT,
            everything,
            "This is no amount of money.",
            f"Write {spelled}, a money fact, or percent(stay.total, 50).",
        )


def broken_rules(nodes: Sequence[Node], case: Case) -> Iterator[CelProblem]:
    """Every problem of a tree's nodes. A tree without types shows those that need none."""
    for node in nodes:
        yield from _ask(node, case)
    if not _TYPED.issuperset([node.type for node in nodes]):
        for node in nodes:
            yield from _types(node, case)


def _ask(node: Node, case: Case) -> Iterable[CelProblem]:
    """What is wrong with a node. For nearly all of them nothing needs to be called."""
    if isinstance(node, Call):
        rule = _RULES.get(node.function)
        return rule(node, case) if rule is not None else ()
    if isinstance(node, Name):
        return _names(node, case) if _is_watched(node.name, case) else ()
    if isinstance(node, Constant):
        return _uint_literals(node, case) if node.type == "uint" else ()
    return _structures(node, case)


def _is_watched(name: str, case: Case) -> bool:
    return name in case.forbid or name in case.vocabulary.personal or name.startswith(KNOWN)


def _names(node: Name, case: Case) -> Iterator[CelProblem]:
    if node.name.startswith(KNOWN):
        if not case.expanded.is_known(node.offset):
            yield case.problem(
                CelCode.KNOWN_NEEDS_A_FACT,
                case.at(node),
                f"{node.name} is no fact.",
                f"Write known({node.name.removeprefix(KNOWN)}).",
            )
    elif node.name in case.forbid:
        yield forbidden(case.at(node), node.name, case.forbid)
    else:
        yield personal(case.at(node), node.name)


def _structures(node: Node, case: Case) -> Iterator[CelProblem]:
    if isinstance(node, Comprehension):
        yield from _taken_names(node, case)
    elif isinstance(node, Entries):
        yield from _messages(node, case)


def _taken_names(node: Comprehension, case: Case) -> Iterator[CelProblem]:
    for name in node.variables:
        if name in case.vocabulary.names:
            yield case.problem(
                CelCode.NAME_TAKEN,
                node.offset,
                f"{name} is a fact or a built-in already.",
                f"Give the element another name, such as {name}_each.",
            )


def _uint_literals(node: Constant, case: Case) -> Iterator[CelProblem]:
    if node.offset not in case.expanded.moneys and isinstance(node.value, int):
        yield case.problem(
            CelCode.UINT_LITERAL,
            node.offset,
            "A number with a u at its end is not how money is written.",
            f"Write {case.vocabulary.spell(node.value)}.",
        )


def _to_money(node: Call, case: Case) -> Iterator[CelProblem]:
    yield case.problem(
        CelCode.MONEY_CONVERSION,
        node.offset,
        "uint() would make money out of something else.",
        f'Write the amount: money("{case.vocabulary.example}"). Or use a money fact.',
    )


def _from_money(node: Call, case: Case) -> Iterator[CelProblem]:
    if _takes_money(node):
        yield case.problem(
            CelCode.MONEY_CONVERSION,
            node.offset,
            f"{node.function}() would make something else out of money.",
            f'Compare money with money: money("{case.vocabulary.example}").',
        )


def _division(node: Call, case: Case) -> Iterator[CelProblem]:
    if _takes_money(node):
        yield money_division(node.offset, case)


def _product(node: Call, case: Case) -> Iterator[CelProblem]:
    if _takes_money(node):
        yield money_product(node.offset, case)


def _takes_money(node: Call) -> bool:
    return any(arg.type == "uint" for arg in node.args)


def money_division(offset: int, case: Case) -> CelProblem:
    """Money is divided, or its remainder taken."""
    return case.problem(
        CelCode.MONEY_DIVISION,
        offset,
        "Money cannot be divided: it would be cut off, not rounded.",
        "Write percent(stay.total, 50) for a half; it rounds half to even.",
    )


def money_product(offset: int, case: Case) -> CelProblem:
    """Money is multiplied with an operator."""
    return case.problem(
        CelCode.MONEY_PRODUCT,
        offset,
        "Money is not multiplied with `*`.",
        "Write times(stay.nightly_rate, 2), or percent(stay.total, 150).",
    )


def _dyn(node: Call, case: Case) -> Iterator[CelProblem]:
    yield case.problem(
        CelCode.DYN_REFUSED,
        node.offset,
        "dyn() switches the check of types off.",
        "Leave dyn() out, and compare values of one kind.",
    )


def _types(node: Node, case: Case) -> Iterator[CelProblem]:
    """Whatever has no type of its own at load could compare money with a number later."""
    if isinstance(node, Call) and node.function == "dyn":
        return  # said already
    if "dyn" in node.type and not any("dyn" in child.type for child in children(node)):
        yield from _mixture(node, case)
    elif node.type == "type":
        yield case.problem(
            CelCode.TYPES_REFUSED,
            node.offset,
            "A condition is about values, not about their types.",
            "Leave the type out: every fact has the type that it was declared with.",
        )


def _mixture(node: Node, case: Case) -> Iterator[CelProblem]:
    parts = children(node)
    numbers = [part for part in parts if isinstance(part, Constant) and part.type in _NUMBERS]
    if numbers and any(part.type == "uint" for part in parts):
        yield from (money_and_number(number, case) for number in numbers)
        return
    yield case.problem(
        CelCode.MIXED_TYPES,
        node.offset,
        "Values of different kinds are mixed here.",
        "Keep to one kind: money with money, text with text.",
    )


def money_and_number(number: Constant, case: Case) -> CelProblem:
    """A bare number stands where money belongs."""
    spelled = case.vocabulary.spell(number.value if isinstance(number.value, int | float) else 0)
    return case.problem(
        CelCode.MONEY_AND_NUMBER,
        case.at(number),
        "This is a bare number where an amount of money belongs.",
        f"Write {spelled}.",
    )


def _messages(node: Entries, case: Case) -> Iterator[CelProblem]:
    if node.message:
        yield case.problem(
            CelCode.MESSAGES_REFUSED,
            node.offset,
            f"{node.message} is of no use in a condition.",
            "Write the value itself, without a name and braces around it.",
        )


def _equals(node: Call, case: Case) -> Iterator[CelProblem]:
    """A choice compared with a text that it can never be would be a rule that never applies."""
    left, right = node.args
    if isinstance(left, Name):
        yield from _impossible(left, (right,), case)
    if isinstance(right, Name):
        yield from _impossible(right, (left,), case)


def _is_in(node: Call, case: Case) -> Iterator[CelProblem]:
    left, right = node.args
    if isinstance(left, Name):
        found = right.args if isinstance(right, Items) else ()
        yield from _impossible(left, right.keys if isinstance(right, Entries) else found, case)


def _impossible(side: Name, others: tuple[Node, ...], case: Case) -> Iterator[CelProblem]:
    choices = case.vocabulary.choices(side.name)
    for other in others if choices else ():
        text = other.value if isinstance(other, Constant) else None
        if isinstance(text, str) and text not in choices:
            yield case.problem(
                CelCode.IMPOSSIBLE_CHOICE,
                case.at(other),
                f'{side.name} is never "{text}".',
                suggest(text, choices),
            )


def _arguments(node: Call, case: Case) -> Iterable[CelProblem]:
    return ARGUMENTS[node.function](node.args[-1], case) if node.args else ()


_RULES: Mapping[str, Callable[[Call, Case], Iterable[CelProblem]]] = {
    "dyn": _dyn,
    "uint": _to_money,
    "int": _from_money,
    "double": _from_money,
    "string": _from_money,
    "_/_": _division,
    "_%_": _division,
    "_*_": _product,
    "_==_": _equals,
    "_!=_": _equals,
    "@in": _is_in,
    **dict.fromkeys(ARGUMENTS, _arguments),
}
