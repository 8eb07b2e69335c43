"""One decision at 10, 1,000 and 10,000 grants, beside other engines asked the same question.

The question: may a colleague at the front desk give resolution N worth an amount, where
five rules name it, four of their conditions do not hold, and the fifth does? The rules
of the other resolutions only stand in the way. Remit answers with reasons, budgets,
headroom and the way upwards; the others answer yes or no. Times are CPU time, so that
a busy machine does not count.

    python -m bench.evaluate
"""

import gc
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from bench.table import Table
from service.core.decision import Outcome
from service.core.evaluate import evaluate
from service.core.request import Agent, Request
from service.policyfile.load import load_rulebook

SIZES = (10, 1_000, 10_000)
CONDITIONS = 5
AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
SECONDS_PER_ENGINE = 1.0


def main() -> None:
    """Measure every engine at every size and print one table."""
    table = Table("engine", "grants", "load ms", "p50 µs", "p99 µs", "p99 against remit at 1,000")
    remit = {size: measure(*timed(partial(remit_question, size))) for size in SIZES}
    base = remit[1_000].p99
    for size, found in remit.items():
        table.row("remit", size, found.load, found.p50, found.p99, f"{found.p99 / base:.2f}")
    others = {"pycasbin": casbin_question, "cedarpy": cedar_question, "zen-engine": zen_question}
    for name, question in others.items():
        for size in SIZES:
            try:
                found = measure(*timed(partial(question, size)))
            except ImportError:
                table.row(name, size, "not installed", "–", "–", "–")
                continue
            ratio = f"{found.p99 / base:,.1f}"
            table.row(name, size, found.load, found.p50, found.p99, ratio)
    table.print()


class Measured:
    """Load time in milliseconds, percentiles in microseconds."""

    def __init__(self, load: float, samples: list[float]) -> None:
        samples.sort()
        self.load = f"{load * 1e3:,.0f}"
        self.p50 = statistics.median(samples)
        self.p99 = samples[min(len(samples) - 1, int(len(samples) * 0.99))]


def timed(make: Callable[[], Callable[[], bool]]) -> tuple[float, Callable[[], bool]]:
    """How long it took to load the rules, and the question."""
    started = time.perf_counter()
    question = make()
    return time.perf_counter() - started, question


def measure(load: float, question: Callable[[], bool]) -> Measured:
    """Ask until the time is up; every answer must be yes."""
    assert question()
    for _ in range(50):
        question()
    gc.collect()
    gc.disable()
    samples: list[float] = []
    ends = time.perf_counter() + SECONDS_PER_ENGINE
    while time.perf_counter() < ends and len(samples) < 200_000:
        started = time.process_time()
        yes = question()
        samples.append((time.process_time() - started) * 1e6)
        assert yes
    gc.enable()
    return Measured(load, samples)


def resolutions(size: int) -> list[str]:
    """As many resolutions as it takes for five grants each."""
    return [f"gift_{number}" for number in range(size // CONDITIONS)]


def conditions() -> list[tuple[str, int]]:
    """Tier and least severity of each grant; the question is silver and 3: only the last holds."""
    return [("gold", 1), ("gold", 2), ("silver", 4), ("silver", 5), ("silver", 3)]


def remit_question(size: int) -> Callable[[], bool]:
    names = resolutions(size)
    lines = [
        "remit: 1\nname: bench\ncurrency: USD\ntimezone: UTC",
        "roles: {front_desk: {reports_to: duty_manager}, duty_manager: {}}",
        "facts:",
        "  guest.id: {type: text, personal: true}",
        "  guest.tier: {type: choice, of: [member, silver, gold]}",
        "  incident.severity: {type: integer, from: 1, to: 5}",
        "subject: guest.id",
        "resolutions:",
        *(f"  {name}: {{}}" for name in names),
        "grants:",
    ]
    for name in names:
        lines += [
            f"  - {{id: {name}-{number}, role: front_desk, may: [{name}], "
            f"up_to: {100 * number + 100}, "
            f"when: 'guest.tier == \"{tier}\" && incident.severity >= {least}'}}"
            for number, (tier, least) in enumerate(conditions())
        ]
    lines += [
        "budgets:",
        "  - {id: guest, limit: 2000, per: [guest.id]}",
        "  - {id: shift, limit: 1500, per: [agent.id], every: day}",
    ]
    rulebook = load_rulebook({"bench.yaml": "\n".join(lines).encode()})
    request = Request(
        site="here",
        agent=Agent(id="ana", roles=("front_desk",)),
        resolution=names[-1],
        amount_minor=15_000,
        facts={"guest.id": "G-1", "guest.tier": "silver", "incident.severity": 3},
    )
    return lambda: evaluate(rulebook, request, {}, AT).outcome is Outcome.APPROVED


def casbin_question(size: int) -> Callable[[], bool]:
    """RBAC with a condition on each line (no amount: its fields are text)."""
    import casbin
    from casbin.persist.adapters.string_adapter import StringAdapter

    model = casbin.Model()
    model.load_model_from_text(
        "[request_definition]\nr = sub, obj, tier, severity\n"
        "[policy_definition]\np = sub, obj, tier, severity\n"
        "[role_definition]\ng = _, _\n"
        "[policy_effect]\ne = some(where (p.eft == allow))\n"
        "[matchers]\n"
        "m = r.obj == p.obj && r.tier == p.tier && r.severity >= p.severity && g(r.sub, p.sub)\n"
    )
    text = "\n".join(
        f"p, front_desk, {name}, {tier}, {least}"
        for name in resolutions(size)
        for tier, least in conditions()
    )
    enforcer = casbin.Enforcer(
        model, StringAdapter(f"{text}\ng, ana, front_desk"), enable_log=False
    )
    name = resolutions(size)[-1]
    return lambda: bool(enforcer.enforce("ana", name, "silver", "3"))


def cedar_question(size: int) -> Callable[[], bool]:
    """One permit a grant, parsed once, with the amount as a long."""
    import cedarpy

    text = "\n".join(
        f'permit(principal in Role::"front_desk", action == Action::"{name}", resource) when '
        f'{{ context.amount <= {(100 * number + 100) * 100} && context.tier == "{tier}" '
        f"&& context.severity >= {least} }};"
        for name in resolutions(size)
        for number, (tier, least) in enumerate(conditions())
    )
    policies = cedarpy.PolicySet.from_str(text)
    entities = cedarpy.Entities.from_json_str(
        json.dumps(
            [
                {
                    "uid": {"type": "User", "id": "ana"},
                    "attrs": {},
                    "parents": [{"type": "Role", "id": "front_desk"}],
                }
            ]
        )
    )
    request = {
        "principal": 'User::"ana"',
        "action": f'Action::"{resolutions(size)[-1]}"',
        "resource": 'Guest::"G-1"',
        "context": {"amount": 15_000, "tier": "silver", "severity": 3},
    }
    return lambda: cedarpy.is_authorized(request, policies, entities).allowed


def zen_question(size: int) -> Callable[[], bool]:
    """One row of a decision table a grant."""
    import zen

    columns = ["role", "resolution", "tier", "severity", "amount"]
    rules = [
        {
            "_id": f"r{name}{number}",
            "role": '"front_desk"',
            "resolution": f'"{name}"',
            "tier": f'"{tier}"',
            "severity": f">= {least}",
            "amount": f"<= {(100 * number + 100) * 100}",
            "out": "true",
        }
        for name in resolutions(size)
        for number, (tier, least) in enumerate(conditions())
    ]
    content = {
        "hitPolicy": "first",
        "inputs": [{"id": name, "name": name, "field": name} for name in columns],
        "outputs": [{"id": "out", "name": "out", "field": "approved"}],
        "rules": rules,
    }
    graph = {
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "in"},
            {"id": "table", "type": "decisionTableNode", "name": "table", "content": content},
            {"id": "end", "type": "outputNode", "name": "end"},
        ],
        "edges": [
            {"id": "1", "sourceId": "in", "targetId": "table", "type": "edge"},
            {"id": "2", "sourceId": "table", "targetId": "end", "type": "edge"},
        ],
    }
    decision = zen.ZenEngine().create_decision(json.dumps(graph))
    question = {
        "role": "front_desk",
        "resolution": resolutions(size)[-1],
        "tier": "silver",
        "severity": 3,
        "amount": 15_000,
    }
    return lambda: bool(decision.evaluate(question)["result"].get("approved"))


if __name__ == "__main__":
    main()
