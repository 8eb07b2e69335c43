"""Suites read and checked by themselves: what they say about the set is checked when they run."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from service.core.decision import Outcome
from service.policyfile.load import is_suite
from service.policyfile.place import Entry, Place
from service.policyfile.problem import PolicyErrors, Problem
from service.policyfile.shape import Shape
from service.policyfile.source import decode
from service.policyfile.suggestion import suggest
from service.policyfile.suitedocument import (
    AgentDocument,
    CaseDocument,
    ExpectDocument,
    Facts,
    NestedFacts,
    StepDocument,
    SuiteDocument,
)
from service.policyfile.terms import Instant, Label
from service.policyfile.yamltree import Mapping as MappingNode
from service.policyfile.yamltree import Sequence as SequenceNode
from service.policyfile.yamltree import read_tree

T = TypeVar("T")

_KEYS = tuple(SuiteDocument.model_fields)
_LABEL: Shape[str] = Shape(Label)
_INSTANT: Shape[datetime] = Shape(Instant)
_AGENT: Shape[AgentDocument] = Shape(AgentDocument)
_FACTS: Shape[NestedFacts] = Shape(Facts)
_CASE: Shape[CaseDocument] = Shape(CaseDocument)

# Keys of `expect` that say something about one outcome only.
_SAYS_OUTCOME = {
    "to": frozenset({Outcome.ESCALATED}),
    "missing": frozenset({Outcome.INCOMPLETE}),
    "grant": frozenset({Outcome.APPROVED, Outcome.ESCALATED}),
    "role": frozenset({Outcome.APPROVED, Outcome.ESCALATED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteFile:
    """A suite and where it stands; ``place.child("tests", 0, "steps", 2)`` is a step's place."""

    file: str
    document: SuiteDocument
    place: Place


def read_suites(files: Mapping[str, bytes]) -> tuple[SuiteFile, ...]:
    """The suites of a set (``*_test.yaml``) by path.

    Every step names an agent and facts of its suite, has an instant and a site, and expects
    an outcome (or the error of a refusal). Raises `PolicyErrors` with all problems of all
    suites.
    """
    found: list[Problem] = []
    suites = [
        suite
        for path in sorted(filter(is_suite, files), key=lambda path: path.encode())
        if (suite := _read(path, files[path], found)) is not None
    ]
    if found:
        raise PolicyErrors(found)
    return tuple(suites)


def _read(path: str, data: bytes, found: list[Problem]) -> SuiteFile | None:
    source = decode(path, data, found)
    tree = read_tree(source, found) if source is not None else None
    if source is None or tree is None:
        return None
    place = Place(source, tree)
    document = _SuiteReader(place, tree, found).document()
    return SuiteFile(file=path, document=document, place=place)


class _SuiteReader:
    """Reads the parts of one suite, so that a bad part does not hide the others."""

    def __init__(self, root: Place, tree: MappingNode, found: list[Problem]) -> None:
        self._root = root
        self._tree = tree
        self._found = found

    def document(self) -> SuiteDocument:
        """The suite; sound only where nothing was found."""
        self._check_keys()
        cases = list(self._cases())
        document = SuiteDocument.model_construct(
            suite=self._one("suite", _LABEL) or "",
            at=self._one("at", _INSTANT),
            agents=dict(self._named("agents", _AGENT)),
            facts=dict(self._named("facts", _FACTS)),
            tests=[case.value for case in cases],
        )
        _SuiteChecker(document, self._tree, self._found).check(cases)
        return document

    def _check_keys(self) -> None:
        for key in self._tree.items:
            if key not in _KEYS:
                place = self._root.child(key)
                message = f"`{key}` is no key here."
                self._found.append(
                    place.problem("unknown_key", message, suggest(key, _KEYS), on_key=True)
                )
        for key in ("suite", "tests"):
            if key not in self._tree.items:
                place = self._root.child(key)
                self._found.append(
                    place.problem("missing_key", f"`{key}` is missing.", f"Add `{key}:`.")
                )

    def _one(self, key: str, shape: Shape[T]) -> T | None:
        return shape.read(self._root.child(key), self._found) if key in self._tree.items else None

    def _named(self, key: str, shape: Shape[T]) -> Iterator[tuple[str, T]]:
        place = self._root.child(key)
        if key not in self._tree.items:
            return
        if not isinstance(place.node, MappingNode):
            remedy = f"Write names below `{key}:`, each with a colon and what it is."
            self._found.append(
                place.problem("wrong_type", f"`{key}` is a mapping from names.", remedy)
            )
            return
        for name in place.node.items:
            value = shape.read(place.child(name), self._found)
            sound = _LABEL.read_key(place.child(name), self._found)
            if value is not None and sound is not None:
                yield name, value

    def _cases(self) -> Iterator[Entry[CaseDocument]]:
        place = self._root.child("tests")
        if "tests" not in self._tree.items:
            return
        if not isinstance(place.node, SequenceNode) or not place.node.items:
            remedy = "Begin each test below `tests:` with `- name:`."
            self._found.append(place.problem("wrong_type", "`tests` is a list of tests.", remedy))
            return
        for index in range(len(place.node.items)):
            case = _CASE.read(place.child(index), self._found)
            if case is not None:
                yield Entry(place.child(index), case)


class _SuiteChecker:
    """Checks what the parts of one suite say about each other."""

    def __init__(self, suite: SuiteDocument, tree: MappingNode, found: list[Problem]) -> None:
        self._suite = suite
        self._found = found
        # Names count as declared although their declaration is broken: that was told already.
        self._agents = _names(tree, "agents")
        self._facts = _names(tree, "facts")
        self._timed = "at" in tree.items

    def check(self, cases: list[Entry[CaseDocument]]) -> None:
        """All tests, and that no two have the same name."""
        first: dict[str, Place] = {}
        for case in cases:
            place = case.place.child("name")
            earlier = first.setdefault(case.value.name, place)
            if earlier is not place:
                message = f"The test at {earlier.where()} has the same name."
                self._tell(place, "duplicate_id", message, "Say what is different about this one.")
            for index, step in enumerate(case.value.steps):
                timed = self._timed or case.value.at is not None
                self._check_step(case.place.child("steps", index), step, timed=timed)

    def _check_step(self, place: Place, step: StepDocument, *, timed: bool) -> None:
        self._check_agent(place, step)
        for index, name in enumerate(step.facts):
            if isinstance(name, str) and name not in self._facts:
                spot = place.child("facts")
                spot = spot.child(index) if isinstance(spot.node, SequenceNode) else spot
                remedy = suggest(name, self._facts)
                self._tell(spot, "unknown_fact", f"No facts `{name}` stand in this suite.", remedy)
        if not timed and step.at is None:
            remedy = "Add `at:` to the suite: 2026-03-01T21:00:00-05:00"
            self._tell(place, "missing_instant", "Nothing says when this happens.", remedy)
        if step.amount is not None and step.quantity is not None:
            self._tell(
                place.child("quantity"),
                "two_measures",
                "A proposal has an amount or a quantity, not both.",
                "Keep `quantity` for a resolution with a unit, `amount` for any other.",
                on_key=True,
            )
        self._check_expected(place.child("expect"), step.expect)

    def _check_agent(self, place: Place, step: StepDocument) -> None:
        if step.by not in self._agents:
            remedy = suggest(step.by, self._agents)
            message = f"No agent `{step.by}` stands in this suite."
            self._tell(place.child("as"), "unknown_agent", message, remedy)
            return
        agent = self._suite.agents.get(step.by)
        if agent is not None and agent.site is None and step.site is None:
            remedy = "Add `site:` to the agent or to the step."
            self._tell(place, "missing_site", "Nothing says where this happens.", remedy)

    def _check_expected(self, place: Place, expect: ExpectDocument) -> None:
        named = expect.model_fields_set
        if expect.outcome is None and expect.error is None:
            remedy = "Add `outcome:` approved, escalated, denied or incomplete."
            self._tell(place, "expects_nothing", "No outcome is expected.", remedy)
            return
        if expect.error is not None and len(named) > 1:
            message = "What is refused is not decided, so nothing else can be expected."
            self._tell(place, "impossible_expectation", message, "Keep `error` alone.")
            return
        for key, outcomes in _SAYS_OUTCOME.items():
            if key in named and expect.outcome not in outcomes:
                message = f"`{key}` never comes with the outcome {expect.outcome}."
                remedy = f"Delete `{key}`, or expect {' or '.join(sorted(outcomes))}."
                spot = place.child(key)
                self._tell(spot, "impossible_expectation", message, remedy, on_key=True)

    def _tell(
        self, place: Place, code: str, message: str, remedy: str, *, on_key: bool = False
    ) -> None:
        self._found.append(place.problem(code, message, remedy, on_key=on_key))


def _names(tree: MappingNode, key: str) -> Collection[str]:
    node = tree.items.get(key)
    return node.items.keys() if isinstance(node, MappingNode) else ()
