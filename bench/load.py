"""How long a set of 1,000 rules takes to load, and where the time goes.

Every rule is a grant with a condition and a computed limit of its own, so that nothing is
compiled twice. Light conditions have two comparisons, heavy ones five. The library's part
is what CEL itself takes for the same texts: to check each, hand out its tree, and evaluate
it once. Times are CPU time, so that a busy machine does not count; the shares are taken
within one round, and the table shows the round whose whole was the median.

    python -m bench.load
"""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from bench.table import Table
from service.core.expression import Expression, FactValue
from service.core.rulebook import Fact
from service.policyfile.cel import Environment
from service.policyfile.celcase import open_case
from service.policyfile.celproblem import CelError
from service.policyfile.celvocabulary import Vocabulary
from service.policyfile.load import load_set
from service.policyfile.source import decode
from service.policyfile.yamltree import read_tree

RULES = 1_000
ROUNDS = 5
MUST_MS = 500.0
FILE = "bench.yaml"
TIERS = ("member", "silver", "gold")
HEAD = """\
remit: 1
name: bench
currency: USD
timezone: UTC
roles: {front_desk: {reports_to: duty_manager}, duty_manager: {}}
facts:
  guest.id: {type: text, personal: true}
  guest.tier: {type: choice, of: [member, silver, gold]}
  stay.nights: {type: integer}
  stay.total: {type: money}
  incident.severity: {type: integer, from: 1, to: 5}
subject: guest.id
resolutions: {credit: {}}
budgets:
  - {id: guest, limit: 2000, per: [guest.id]}
grants:
"""


class Parts(NamedTuple):
    """Milliseconds of CPU time."""

    whole: float
    yaml: float
    shape: float
    library: float
    ours: float


def main() -> None:
    """Measure both kinds of set and print one table."""
    table = Table("conditions", "part", "ms", "µs a rule", "share")
    for kind, condition in {"light": light, "heavy": heavy}.items():
        parts = median_of(write(condition))
        names = ("whole load", "YAML", "shape and rules", "CEL library", "our CEL checks")
        for name, took in zip(names, parts, strict=True):
            table.row(kind, name, took, took * 1e3 / RULES, f"{took / parts.whole:.0%}")
        table.row(kind, "against what it must be", MUST_MS, "", f"{parts.whole / MUST_MS:.0%}")
    table.print()


def light(number: int) -> str:
    """Two comparisons."""
    tier = TIERS[number % len(TIERS)]
    return f'guest.tier == "{tier}" && stay.nights >= {number}'


def heavy(number: int) -> str:
    """Five comparisons, one of them with money."""
    return (
        f'(guest.tier == "{TIERS[number % len(TIERS)]}" || incident.severity >= 3)'
        f' && stay.nights >= {number} && request.amount <= money("{number}.50")'
        ' && agent.kind != "ai"'
    )


def limit(number: int) -> str:
    """A limit that is computed."""
    return f'least(percent(stay.total, {number % 90 + 10}), money("{number + 100}.00"))'


def write(condition: Callable[[int], str]) -> bytes:
    """The policy file."""
    grants = (
        f"  - {{id: rule-{number}, role: front_desk, may: [credit],"
        f" up_to: '{limit(number)}', when: '{condition(number)}'}}\n"
        for number in range(RULES)
    )
    return (HEAD + "".join(grants)).encode()


def median_of(data: bytes) -> Parts:
    """The parts of the middle one of several rounds."""
    measure(data)
    rounds = sorted(measure(data) for _ in range(ROUNDS))
    return rounds[ROUNDS // 2]


def measure(data: bytes) -> Parts:
    """One round, after one that warmed up."""
    files = {FILE: data}
    noted = Noting()
    yaml = clocked(lambda: read_tree_of(data))
    no_cel = clocked(lambda: load_set(files, make_environment=noted.make))
    whole = clocked(lambda: load_set(files))
    library = clocked(LibraryAlone(noted))
    return Parts(whole, yaml, no_cel - yaml, library, whole - no_cel - library)


def clocked(work: Callable[[], object]) -> float:
    """Milliseconds of CPU time that it takes."""
    gc.collect()
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1e3


def read_tree_of(data: bytes) -> object:
    source = decode(FILE, data, [])
    assert source is not None
    return read_tree(source, [])


class Note:
    """An expression that nobody compiled."""

    mentions: frozenset[str] = frozenset()

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, scope: object) -> bool | int | None:  # noqa: ARG002 - the protocol's
        return None


class Noting:
    """An environment that takes every text as it is and remembers it."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, Mapping[str, str]]] = []

    def make(self, *, facts: Mapping[str, Fact], currency: str, decimals: int) -> "Noting":
        self.facts, self.currency, self.decimals = facts, currency, decimals
        return self

    def bind(self, variables: Mapping[str, FactValue]) -> object:
        return variables

    def conditions(self, texts: Sequence[str]) -> Sequence[Expression | CelError]:
        self.texts += [(text, {}) for text in texts]
        return [Note(text) for text in texts]

    def amounts(
        self, texts: Sequence[str], *, forbid: Mapping[str, str]
    ) -> Sequence[Expression | CelError]:
        self.texts += [(text, forbid) for text in texts]
        return [Note(text) for text in texts]


class LibraryAlone:
    """CEL itself over the texts of a set, with ``known()`` and ``money()`` replaced before."""

    def __init__(self, noted: Noting) -> None:
        facts, currency, decimals = noted.facts, noted.currency, noted.decimals
        vocabulary = Vocabulary(facts=facts, currency=currency, decimals=decimals)
        environment = Environment(facts=facts, currency=currency, decimals=decimals)
        self._cel = environment._cel  # noqa: SLF001 - the library as it is set up, and nothing else
        self._texts = [
            open_case(text, vocabulary, forbid).expanded.text for text, forbid in noted.texts
        ]

    def __call__(self) -> None:
        programs = [self._cel.compile(text) for text in self._texts]
        for program in programs:
            program.serialize()
        for program in programs:
            program.eval(self._cel.Activation({}))


if __name__ == "__main__":
    main()
