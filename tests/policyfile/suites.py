"""A small set and its suites, for tests of what runs them."""

from service.core.rulebook import Rulebook
from service.policyfile.load import load_rulebook
from service.policyfile.suite import SuiteResult, run_suites
from service.policyfile.suitefile import read_suites

POLICY = """\
remit: 1
name: corner-shop
currency: USD
timezone: UTC
sites: {main: {}, annex: {}}
roles: {clerk: {reports_to: owner}, owner: {}}
facts:
  customer.id: {type: text, personal: true}
  customer.tier: {type: choice, of: [new, loyal]}
  order.due: {type: money, optional: true}
subject: customer.id
resolutions:
  credit: {}
  gift: {unit: piece, worth: money("5.00")}
  refund: {entitlement: true}
  cash: {}
grants:
  - {id: small, role: clerk, may: [credit, gift], up_to: 20}
  - id: larger
    role: clerk
    may: [credit]
    up_to: 50
    when: customer.tier == "loyal"
    needs: [note]
  - {id: owed, role: clerk, may: [refund], exactly: order.due}
  - {id: all, role: owner, may: any, up_to: 1000}
budgets:
  - {id: day, limit: 60, per: [agent.id], every: day, roles: [clerk]}
  - {id: often, count: 2, per: [customer.id], within: 30d, roles: [clerk]}
prohibitions:
  - {id: no-cash, may_not: [cash], because: Cash leaves no trace.}
"""

SUITE_HEAD = """\
suite: shop
at: 2026-03-01T12:00:00+00:00
agents:
  ana: {roles: [clerk], site: main}
  olga: {roles: [owner], site: main}
facts:
  loyal: {customer: {id: C-1, tier: loyal}}
  fresh: {customer: {id: C-2, tier: new}}
tests:
"""


def rulebook() -> Rulebook:
    """The shop's rules."""
    return load_rulebook({"shop.yaml": POLICY.encode()})


def suite_files(*cases: str) -> dict[str, bytes]:
    """The set with one suite of these tests, each ``name`` and then indented steps."""
    return {"shop.yaml": POLICY.encode(), "shop_test.yaml": (SUITE_HEAD + "".join(cases)).encode()}


def case(name: str, *steps: str) -> str:
    """A test of a suite; each step is YAML in one line."""
    lines = [f"  - name: {name}", "    steps:", *(f"      - {step}" for step in steps)]
    return "\n".join(lines) + "\n"


def step(propose: str, expect: str, *, by: str = "ana", facts: str = "loyal") -> str:
    """A step, such as ``step('credit, amount: "5.00"', "outcome: approved")``."""
    return f"{{as: {by}, propose: {propose}, facts: {facts}, expect: {{{expect}}}}}"


def run(*cases: str) -> SuiteResult:
    """What came of one suite."""
    (result,) = run_suites(rulebook(), read_suites(suite_files(*cases)))
    return result
