"""A checked expression as text again, for parts of conditions that are shown alone."""

import json
from typing import Final

from service.policyfile.celtree import Call, Comprehension, Constant, Name, Node, Select, children
from service.policyfile.celvocabulary import KNOWN

_BINARY: Final = {
    "_&&_": "&&",
    "_||_": "||",
    "_==_": "==",
    "_!=_": "!=",
    "_<_": "<",
    "_<=_": "<=",
    "_>_": ">",
    "_>=_": ">=",
    "_+_": "+",
    "_-_": "-",
    "_*_": "*",
    "_/_": "/",
    "_%_": "%",
    "@in": "in",
}
_METHODS: Final = frozenset({"startsWith", "endsWith", "contains", "matches"})


def written(node: Node) -> str:
    """The expression as CEL, money in minor units; macros are written as what they do."""
    match node:
        case Constant(value=value, type=kind):
            return f"{value!r}u" if kind == "uint" else _constant(value)
        case Name(name=name):
            inner = name.removeprefix(KNOWN)
            return name if inner == name else f"known({inner})"
        case Call(function=function, args=args):
            return _call(function, [written(arg) for arg in args])
        case Select(operand=operand, field=name):
            return f"{written(operand)}.{name}"
        case _:
            return _gathered(node)


def _gathered(node: Node) -> str:
    inner = ", ".join(map(written, children(node)))
    return f"fold({inner})" if isinstance(node, Comprehension) else f"[{inner}]"


def _constant(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _call(function: str, args: list[str]) -> str:
    if function in _BINARY:
        return f"({args[0]} {_BINARY[function]} {args[1]})"
    if function == "!_":
        return f"!{args[0]}"
    if function == "_?_:_":
        return f"({args[0]} ? {args[1]} : {args[2]})"
    if function in _METHODS or function.startswith("get"):
        return f"{args[0]}.{function}({', '.join(args[1:])})"
    return f"{function}({', '.join(args)})"
