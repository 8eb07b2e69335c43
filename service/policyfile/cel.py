"""Conditions and computed limits: text in, callables out. The one module that knows CEL.

CEL (cel-spec) is checked when a policy loads, by Google's cel-cpp. Money is a uint in minor
units, so that a bare number never passes for an amount; facts are variables by their
qualified names, so that a typo does not load.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from cel_expr_python import cel

from service.core.expression import FactValue
from service.core.money import MINOR_MAX
from service.core.rulebook import Fact
from service.policyfile import celfunctions
from service.policyfile.celarithmetic import arithmetic
from service.policyfile.celcase import EXPRESSION_CHARS_MAX, Case, open_case
from service.policyfile.celmessages import complaints
from service.policyfile.celproblem import CelCode, CelError, CelProblem, raise_any, refuse
from service.policyfile.celrules import broken_rules, of_another_kind
from service.policyfile.celtree import Call, Constant, Name, Node, read_nodes, read_tree, walk
from service.policyfile.celvocabulary import KNOWN, Vocabulary

__all__ = [
    "EXPRESSION_CHARS_MAX",
    "Amount",
    "CelCode",
    "CelError",
    "CelProblem",
    "Condition",
    "Environment",
    "Scope",
]

REMEMBERED_MAX = 1_024
"""How many answers of one expression are kept."""

_T = cel.Type
_TYPES = {
    "string": _T.STRING,
    "int": _T.INT,
    "uint": _T.UINT,
    "double": _T.DOUBLE,
    "bool": _T.BOOL,
    "timestamp": _T.TIMESTAMP,
    "duration": _T.DURATION,
    "list(string)": _T.List(_T.STRING),
}
_AT_A_TIME = 64
_NOTHING: Mapping[str, str] = MappingProxyType({})


def _find_zones() -> None:
    """Let the library find time zones where the machine has none; it asks ``TZDIR``."""
    if "TZDIR" not in os.environ and not Path("/usr/share/zoneinfo").is_dir():
        os.environ["TZDIR"] = str(files("tzdata") / "zoneinfo")


_find_zones()


Scope: TypeAlias = Mapping[str, FactValue]
"""The variables of one question, for any number of expressions and threads."""


class _Compiled:
    """A checked expression. ``knows`` are the names inside known()."""

    __slots__ = (
        *("_evaluate", "_inputs", "_known", "_remembered", "_remembers", "_serialized"),
        *("knows", "mentions", "text"),
    )

    cel_type = ""

    def __init__(self, work: "_Work") -> None:
        self.text = work.text
        self._serialized = work.serialized
        read = {node.name for node in work.nodes if isinstance(node, Name)}
        self.mentions = frozenset(read.intersection(work.case.vocabulary.names))
        self.knows = frozenset(
            name.removeprefix(KNOWN) for name in read - self.mentions if name.startswith(KNOWN)
        )
        self._evaluate = work.program.eval
        self._inputs = tuple(sorted(self.mentions | self.knows))
        self._known = tuple((KNOWN + name, name) for name in sorted(self.knows))
        # Answers by all that was read, since they depend on nothing else. Facts come in few
        # values (a tier, a severity), and a look-up is several times quicker than an
        # evaluation. No personal fact is kept: none may be read. A decimal is none to look up
        # by: 1 and 1.0 are one key of a dictionary, and need not be one number to the library.
        types = work.case.vocabulary.types
        self._remembers = all(types[name] != "double" for name in self.mentions)
        self._remembered: dict[tuple[FactValue | None, ...], bool | int | None] = {}

    def _answer(self, scope: Scope) -> bool | int | None:
        if not self._remembers:
            return self._ask(scope)
        inputs = tuple([scope.get(name) for name in self._inputs])
        try:
            return self._remembered[inputs]
        except KeyError:
            answer = self._ask(scope)
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[inputs] = answer
            return answer
        except TypeError:  # a list among them, which is no key
            return self._ask(scope)

    def _ask(self, scope: Scope) -> bool | int | None:
        raise NotImplementedError

    def _run(self, scope: Scope) -> cel.Value:
        """What the library makes of the variables that are read, and of no others.

        They are handed over for each evaluation: an activation that several could share is
        dearer, and the library does not let it go from one thread to another.
        """
        data = {name: scope[name] for name in self.mentions if name in scope}
        for known, name in self._known:
            data[known] = name in scope
        return self._evaluate(None, data)

    @property
    def tree(self) -> Node:
        """What it was checked as; read anew, since thousands of trees are much to keep."""
        return read_tree(self._serialized, _NOTHING)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"


_C = TypeVar("_C", bound=_Compiled)
_Step: TypeAlias = "Callable[[_Work], None]"


class _Work:
    """An expression that is being compiled, and what the steps found so far."""

    __slots__ = ("case", "error", "forbid", "kind", "nodes", "program", "serialized", "text")

    case: Case
    program: cel.Expression
    serialized: bytes
    nodes: Sequence[Node]

    def __init__(self, text: str, forbid: Mapping[str, str], kind: type[_Compiled]) -> None:
        self.text = text
        self.forbid = forbid
        self.kind = kind
        self.error: CelError | None = None

    def do(self, step: _Step) -> None:
        """Do a step, unless one before it found something wrong."""
        if self.error is None:
            try:
                step(self)
            except CelError as error:
                self.error = error


def _get(found: Sequence[_C | CelError]) -> _C:
    """The only one. Raises it where it is an error."""
    if isinstance(found[0], CelError):
        raise found[0]
    return found[0]


class Condition(_Compiled):
    """A condition: true, false, or ``None`` where its evaluation ended in an error."""

    __slots__ = ()
    cel_type = "bool"

    def __call__(self, scope: Any) -> bool | None:  # noqa: ANN401 - opaque to the core
        """Evaluate in a `Scope` of the same environment. Never raises."""
        try:
            answer = self._answer(scope)
        except Exception:  # noqa: BLE001 - whatever it is, it is no answer
            return None
        # An error is a value too, and as a text it would count as true: nothing but the
        # two booleans is an answer.
        return answer if answer is True or answer is False else None

    def _ask(self, scope: Scope) -> bool | None:
        found: bool | None = self._run(scope).value()
        return found


class Amount(_Compiled):
    """An amount of money in minor units, or ``None`` where there is none."""

    __slots__ = ("_compute",)
    cel_type = "uint"

    def __init__(self, work: "_Work") -> None:
        super().__init__(work)
        self._compute = arithmetic(work.nodes[0])

    def __call__(self, scope: Any) -> int | None:  # noqa: ANN401 - opaque to the core
        """Evaluate in a `Scope` of the same environment. Never raises."""
        try:
            answer = self._answer(scope)
        except Exception:  # noqa: BLE001 - whatever it is, it is no answer
            return None
        return answer if type(answer) is int and answer <= MINOR_MAX else None

    def _ask(self, scope: Scope) -> int | None:
        value: int | None
        if self._compute is not None:
            value = self._compute(scope)
        else:
            found = self._run(scope)
            value = found.value() if found.type() == _T.UINT else None
        return value


class Environment:
    """The variables and functions of one policy set. Safe to share between threads."""

    def __init__(self, *, facts: Mapping[str, Fact], currency: str, decimals: int) -> None:
        """Declare the facts. Raises `ValueError` where one's name begins with ``known.``."""
        if any(path.startswith(KNOWN) for path in facts):
            raise ValueError(f"no fact may begin with {KNOWN}")
        self._vocabulary = Vocabulary(facts=facts, currency=currency, decimals=decimals)
        self._dates: dict[str, datetime] = {}
        self._cel = cel.NewEnv(
            variables={name: _TYPES[kind] for name, kind in self._vocabulary.types.items()},
            functions=_functions(self._dates),
        )

    def condition(self, text: str) -> Condition:
        """A condition. Raises `CelError` with everything that is wrong."""
        return _get(self.conditions((text,)))

    def amount(self, text: str, *, forbid: Mapping[str, str] = _NOTHING) -> Amount:
        """An amount of money. Raises `CelError` with everything that is wrong.

        ``forbid`` names variables that may not be read here, each with the remedy.
        """
        return _get(self.amounts((text,), forbid=forbid))

    def conditions(self, texts: Sequence[str]) -> list[Condition | CelError]:
        """For each text what `condition` returns or raises, in less time than one by one."""
        return self._compile(Condition, texts, _NOTHING)

    def amounts(
        self, texts: Sequence[str], *, forbid: Mapping[str, str] = _NOTHING
    ) -> list[Amount | CelError]:
        """For each text what `amount` returns or raises, in less time than one by one."""
        return self._compile(Amount, texts, forbid)

    def bind(self, variables: Mapping[str, FactValue]) -> Scope:
        """A scope for all expressions of this environment.

        Absent facts are left out of ``variables``, and instants are aware.
        """
        return dict(variables)

    def _compile(
        self, kind: type[_C], texts: Sequence[str], forbid: Mapping[str, str]
    ) -> list[_C | CelError]:
        """A few at a time, each step for all of them.

        The code of one step stays in the processor's cache then, and not the code of
        another step is fetched for each text: it is a third less time for all.
        """
        found: list[_C | CelError] = []
        for first in range(0, len(texts), _AT_A_TIME):
            works = [_Work(text, forbid, kind) for text in texts[first : first + _AT_A_TIME]]
            for step in (self._open, self._check, self._read, self._judge, self._warm_up):
                for work in works:
                    work.do(step)
            found.extend(work.error or kind(work) for work in works)
        return found

    def _open(self, work: _Work) -> None:
        work.case = open_case(work.text, self._vocabulary, work.forbid)

    def _check(self, work: _Work) -> None:
        try:
            work.program = self._cel.compile(work.case.expanded.text)
        except RuntimeError as report:
            raise_any(self._complaints(str(report), work.case))

    def _read(self, work: _Work) -> None:
        work.serialized = work.program.serialize()
        work.nodes = read_nodes(work.serialized, self._vocabulary.types)

    def _judge(self, work: _Work) -> None:
        problems = work.case.expanded.problems
        another_kind = of_another_kind(work.nodes[0], work.kind.cel_type, work.case)
        raise_any((*problems, *another_kind, *broken_rules(work.nodes, work.case)))

    def _complaints(self, report: str, case: Case) -> Iterator[CelProblem]:
        """Whatever the checker found, and whatever can be seen without its types."""
        tree = self._parse(case.expanded.text)
        yield from case.expanded.problems
        yield from complaints(report, tree, case)
        if tree is not None:
            yield from broken_rules(tuple(walk(tree)), case)

    def _parse(self, text: str) -> Node | None:
        """What the text parses as, types aside: more problems can be found in it."""
        try:
            serialized = self._cel.compile(text, disable_check=True).serialize()
        except RuntimeError:
            return None
        return read_tree(serialized, self._vocabulary.types)

    def _warm_up(self, work: _Work) -> None:
        """Do now what would be done once at the first question."""
        for node in work.nodes if "date" in work.text else ():
            if isinstance(node, Call) and node.function == "date":
                for argument in node.args:
                    if isinstance(argument, Constant) and isinstance(argument.value, str):
                        self._dates[argument.value] = celfunctions.parse_date(argument.value)
        try:
            work.program.eval(None, {})
        except RuntimeError:
            message = "This runs too long to be answered, whatever the facts are."
            remedy = "Go through shorter lists, and not through one inside another."
            refuse(CelCode.RUNS_TOO_LONG, work.text, message, remedy)


def _functions(dates: Mapping[str, datetime]) -> list[cel.FunctionDecl]:
    """The language's own functions. ``dates`` has the literals of all that was compiled."""
    money, whole = _T.UINT, _T.INT
    amounts = range(celfunctions.AMOUNTS_MIN, celfunctions.AMOUNTS_MAX + 1)
    return [
        _function(
            "percent",
            (money, [money, whole], celfunctions.percent_of_whole),
            (money, [money, _T.DOUBLE], celfunctions.percent_of_number),
        ),
        _function("times", (money, [money, whole], celfunctions.times)),
        _function("least", *((money, [money] * count, min) for count in amounts)),
        _function("greatest", *((money, [money] * count, max) for count in amounts)),
        _function("date", (_T.TIMESTAMP, [_T.STRING], dates.__getitem__)),
        _function("days", (_T.DURATION, [whole], celfunctions.days)),
    ]


def _function(
    name: str, *overloads: tuple[cel.Type, list[cel.Type], Callable[..., object]]
) -> cel.FunctionDecl:
    return cel.FunctionDecl(
        name,
        [
            cel.Overload(f"{name}_{number}", return_type=gives, parameters=takes, impl=does)
            for number, (gives, takes, does) in enumerate(overloads)
        ],
    )
