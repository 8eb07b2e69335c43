"""Escalations as lines of text: a case, what came of an answer, what one is about."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from service.cli.remote import problem_text


def case_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """A case as lines: what was asked, why it fell outside, and what helps to answer it."""
    case, context = found["case"], found["context"]
    asked = case["proposed_by"]
    yield f"{found['id']}  {found['state']}, to {found['to']} at {found['site']}"
    yield f"asked      {_asked(case)} by {asked['id']} ({', '.join(asked['roles'])})"
    yield from _given_lines(case)
    proposal = case["proposal"]
    for name in ("reason", "note"):
        if proposal.get(name) is not None:
            yield f"{name:<10} {proposal[name]}"
    yield f"facts      {json.dumps(proposal.get('facts', {}), ensure_ascii=False)}"
    failed = [reason for reason in case["reasons"] if reason["code"] != "within_limits"]
    yield from _labelled("outside", [reason["message"] for reason in failed])
    if context is not None:
        yield from _context_lines(context)
    yield from _labelled("history", [_step_line(step) for step in case["history"]])
    yield f"digest     {found['digest']}"


def _context_lines(context: Mapping[str, Any]) -> Iterator[str]:
    unasked, deadline, you = context["unasked_today"], context["deadline"], context["you"]
    if unasked is not None:
        most = unasked["without_escalation_up_to"]
        yield f"unasked    {'no cap' if most is None else money_text(most)}"
    due = deadline["answer_by"] or "no deadline"
    yield f"answer by  {due}{' (overdue)' if deadline['overdue'] else ''}"
    history = context["subject_history"]
    if history is not None:
        yield from _labelled(f"{history['total']} before", map(_before, history["resolutions"]))
    yield from _labelled("similar", map(_similar, context["similar"]))
    yield from _labelled("agent", map(_budget, context["agent_budgets"]))
    people = context["answerers"]["people"]
    yield from _labelled("may answer", [", ".join(one["as"] for one in people)] if people else [])
    yield from _you_lines(you)


def _you_lines(you: Mapping[str, Any]) -> Iterator[str]:
    if you["objection"] is not None:
        yield f"you        {you['objection']['message']}; {you['objection']['remedy']}"
    if you["answers"] is None:
        return
    approve = you["answers"]["approve"]
    yield f"you        as {you['as']}; approving would {_effect(approve)}"
    for budget in (approve["decision"] or {}).get("budgets", ()):
        yield f"           leaves {budget['remaining']} of {budget['limit']} in {budget['budget']}"


def _effect(outlook: Mapping[str, Any]) -> str:
    effects = {
        "approve": "give it",
        "concur": "be one of several voices",
        "move_up": f"pass it on to {outlook['to']}",
        "refused": "be refused",
    }
    return effects[outlook["effect"]]


def _labelled(label: str, lines: Any) -> Iterator[str]:  # noqa: ANN401 — any texts
    for number, line in enumerate(lines):
        yield f"{'' if number else label:<10} {line}"


def _worth(decision: Mapping[str, Any]) -> str:
    value = decision["value"]
    worth = "" if value is None else f" of {money_text(value)}"
    return f"{decision['proposal']['resolution']}{worth}"


def _asked(case: Mapping[str, Any]) -> str:
    """What was proposed: a counter-offer leaves another value on the decision."""
    asked = (case["escalation"] or {}).get("asked")
    return _worth(case if asked is None else {**case, "value": asked})


def _given_lines(case: Mapping[str, Any]) -> Iterator[str]:
    authority = case["authority"]
    if authority is not None:
        yield f"given      {_worth(case)} as {authority['role']} ({authority['grant']})"


def money_text(value: Mapping[str, Any]) -> str:
    """An amount with its currency, and the quantity where there is a unit."""
    quantity = value.get("quantity")
    many = "" if quantity is None else f" ({quantity})"
    return f"{value['amount']} {value['currency']}{many}"


def _before(one: Mapping[str, Any]) -> str:
    value = "" if one["value"] is None else f" {money_text(one['value'])}"
    return f"{one['decided_at']}  {one['resolution']}{value}  {one['outcome']} at {one['site']}"


def _similar(one: Mapping[str, Any]) -> str:
    value = "" if one["value"] is None else f"{money_text(one['value'])}  "
    return f"{value}{one['state']} by {one['answered_by'] or 'nobody'}"


def _budget(one: Mapping[str, Any]) -> str:
    return f"used {one['used']} of {one['limit']} in {one['budget']}"


def _step_line(step: Mapping[str, Any]) -> str:
    text = "" if step["text"] is None else f": {step['text']}"
    return f"{step['at']}  {step['effect']} by {step['by']}{text}"


def about_text(one: Mapping[str, Any]) -> str:
    """What an escalation is about, as far as a list tells."""
    about = one["about"]
    value = "" if about["value"] is None else f" {money_text(about['value'])}"
    return f"{about['resolution']}{value}"


def taken_line(one: Mapping[str, Any]) -> str:
    """What came of one answer, or why it was not taken."""
    if one["problem"] is not None:
        return f"{one['id']}  not taken: {problem_text(one['problem'])}"
    taken = one["answer"]
    where = f", now with {taken['to']}" if taken["effect"] == "move_up" else ""
    return f"{one['id']}  {taken['effect']}: {taken['state']}{where}"
