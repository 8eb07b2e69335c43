"""A first policy with its suite, from five answers.

What is written holds under every lint, and its suite reaches every rule and both sides of
every limit: whoever changes a number sees at once which test says otherwise.
"""

from dataclasses import dataclass
from typing import Final

from service.core.money import CURRENCY_DECIMALS, MINOR_MAX, MoneyError, format_minor, parse_minor
from service.policyfile.layout import laid_out
from service.policyfile.place import Place
from service.policyfile.problem import Problem
from service.policyfile.shape import Shape
from service.policyfile.source import Source
from service.policyfile.terms import Currency, Name, Timezone
from service.policyfile.yamltree import Scalar

STEP: Final = 5
"""Each role may give so many times what the one below it may."""

OF_A_CASE: Final = 2
"""So many of the lowest role's gestures make up what it may give in one case."""

OF_A_MONTH: Final = 4
"""So many of the highest role's gestures make up what is given at one site in a month."""

ROLES_MAX: Final = 5

_NAME: Shape[str] = Shape(Name)
_CURRENCY: Shape[str] = Shape(Currency)
_TIMEZONE: Shape[object] = Shape(Timezone)


class AnswerError(ValueError):
    """An answer that no policy can be made from: why, and what to answer instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What is asked. ``roles`` from the lowest to the highest; ``limit`` is the lowest one's."""

    name: str
    currency: str
    timezone: str
    roles: tuple[str, ...]
    limit_minor: int


def read_name(text: str) -> str:
    """A name for the set. Raises `AnswerError`."""
    return _read(_NAME, text)


def read_currency(text: str) -> str:
    """A currency of ISO 4217. Raises `AnswerError`."""
    return _read(_CURRENCY, text.upper())


def read_timezone(text: str) -> str:
    """A timezone of the IANA database. Raises `AnswerError`."""
    _read(_TIMEZONE, text)
    return text


def read_roles(text: str) -> tuple[str, ...]:
    """Roles from the lowest to the highest, with commas between. Raises `AnswerError`."""
    roles = tuple(read_name(part.strip()) for part in text.split(","))
    if len(set(roles)) < len(roles):
        raise AnswerError("A role stands there twice. Name each once, the lowest first.")
    if len(roles) > ROLES_MAX:
        raise AnswerError(f"Begin with at most {ROLES_MAX} roles; more can be added later.")
    return roles


def read_limit(text: str, currency: str) -> int:
    """An amount above zero, in minor units. Raises `AnswerError`."""
    try:
        minor = parse_minor(text, CURRENCY_DECIMALS[currency])
    except MoneyError as error:
        raise AnswerError(f"{error}. Write an amount of {currency}, such as 50.") from None
    if not 0 < minor < MINOR_MAX // (STEP**ROLES_MAX * OF_A_MONTH):
        raise AnswerError("Write an amount above zero, and less than would ever be given.")
    return minor


def _read(shape: Shape[object] | Shape[str], text: str) -> str:
    """The text, if it has the shape."""
    found: list[Problem] = []
    word = Scalar(start=0, end=len(text), style="", text=text, value=text)
    shape.read(Place(Source("answer", text), word), found)
    if found:
        raise AnswerError(f"{found[0].message} {found[0].remedy}")
    return text


def first_policy(answers: Answers) -> dict[str, bytes]:
    """The files of the set: a policy, its suite and an access list to fill in."""
    texts = {
        "policy.yaml": laid_out("policy.yaml", _policy(answers)),
        "policy_test.yaml": laid_out("policy_test.yaml", _suite(answers)),
        "access.csv": _access(answers),
    }
    return {name: text.encode() for name, text in texts.items()}


# ── the policy ────────────────────────────────────────────────────────────────────────


def _policy(answers: Answers) -> str:
    return f"""\
remit: 1
name: {answers.name}
currency: {answers.currency}
timezone: {answers.timezone}

roles:  # a ladder: what one may not give goes up to the next who may
{_ladder(answers.roles)}

facts:  # what callers tell of the case
  customer.id: {{type: text, personal: true}}
  case.id: {{type: text}}

subject: customer.id  # who is served

resolutions:  # what may be given
  goodwill_credit: {{}}

grants:  # what each role may give by itself
{_grants(answers)}

budgets:  # what many gestures may add up to
  - id: case
    limit: {_shown(answers, OF_A_CASE * answers.limit_minor)}
    per: [case.id]
    roles: [{answers.roles[0]}]
  - id: month
    limit: {_shown(answers, OF_A_MONTH * _cap(answers, -1))}
    per: [site.id]
    every: month
{_escalation(answers.roles)}"""


def _ladder(roles: tuple[str, ...]) -> str:
    above = [*(f"{{reports_to: {role}}}" for role in roles[1:]), "{}"]
    return "\n".join(f"  {role}: {below}" for role, below in zip(roles, above, strict=True))


def _grants(answers: Answers) -> str:
    return "\n".join(
        f"""\
  - id: by-{role}
    role: {role}
    may: [goodwill_credit]
    up_to: {_shown(answers, _cap(answers, number))}"""
        for number, role in enumerate(answers.roles)
    )


def _escalation(roles: tuple[str, ...]) -> str:
    """How the roles above the lowest answer; the highest has nobody to pass on to."""
    if len(roles) == 1:
        return ""
    ends = ["next"] * (len(roles) - 2) + ["deny"]
    entries = [
        f"  {role}: {{answer_within: 4h, on_timeout: {end}}}"
        for role, end in zip(roles[1:], ends, strict=True)
    ]
    return "\n".join(["", "escalation:  # how roles answer what is handed up", *entries, ""])


def _cap(answers: Answers, number: int) -> int:
    """What a role may give: each a multiple of the one below."""
    factor: int = STEP ** (number % len(answers.roles))
    return answers.limit_minor * factor


def _shown(answers: Answers, minor: int) -> str:
    """An amount as the file has it: quoted where it has decimals."""
    decimals = CURRENCY_DECIMALS[answers.currency]
    whole, part = divmod(minor, 10**decimals)
    return f'"{format_minor(minor, decimals)}"' if part else str(whole)


# ── its suite ─────────────────────────────────────────────────────────────────────────


def _suite(answers: Answers) -> str:
    agents = "\n".join(
        f"  {_agent(role)}: {{roles: [{role}], site: main}}" for role in answers.roles
    )
    tests = "\n".join([*_ladder_tests(answers), _case_test(answers), _month_test(answers)])
    return f"""\
suite: {answers.name}
at: 2026-03-02T12:00:00+00:00

agents:
{agents}

facts:
{_facts()}

tests:
{tests}
"""


def _agent(role: str) -> str:
    return f"one-{role}"


def _facts() -> str:
    return "\n".join(
        f"  case_{number}: {{customer: {{id: C-{number}}}, case: {{id: K-{number}}}}}"
        for number in range(1, OF_A_MONTH + 2)
    )


def _ladder_tests(answers: Answers) -> list[str]:
    """Each role at its limit and one above: that goes up, or is denied at the top."""
    tests = []
    for number, role in enumerate(answers.roles):
        cap, last = _cap(answers, number), number == len(answers.roles) - 1
        beyond = (
            "outcome: denied" if last else f"outcome: escalated, to: {answers.roles[number + 1]}"
        )
        tests.append(
            _test(
                f"{role} gives up to {_in_words(answers, cap)} alone",
                [
                    _step(answers, number, cap, 1, f"outcome: approved, grant: by-{role}"),
                    _step(answers, number, cap + 1, 2, beyond),
                ],
            )
        )
    return tests


def _case_test(answers: Answers) -> str:
    """What the lowest role may give in one case, and the least unit more."""
    lowest = answers.roles[0]
    full = [
        _step(answers, 0, answers.limit_minor, 1, f"outcome: approved, grant: by-{lowest}")
    ] * OF_A_CASE
    up = "denied" if len(answers.roles) == 1 else f"escalated, to: {answers.roles[1]}"
    most = _in_words(answers, OF_A_CASE * answers.limit_minor)
    return _test(
        f"in one case {lowest} gives {most} and no more",
        [*full, _step(answers, 0, 1, 1, f"outcome: {up}, reasons: [{_first(answers)}]")],
    )


def _first(answers: Answers) -> str:
    """The first reason when the case is used up."""
    return "beyond_every_remit" if len(answers.roles) == 1 else "budget_exhausted"


def _month_test(answers: Answers) -> str:
    """What is given at one site in a month, and the least unit more."""
    top = len(answers.roles) - 1
    cap, grant = _cap(answers, top), f"by-{answers.roles[top]}"
    full = [
        _step(answers, top, cap, number, f"outcome: approved, grant: {grant}")
        for number in range(1, OF_A_MONTH + 1)
    ]
    more = _step(answers, top, 1, OF_A_MONTH + 1, "outcome: denied")
    return _test(f"a site gives {_in_words(answers, OF_A_MONTH * cap)} a month", [*full, more])


def _test(name: str, steps: list[str]) -> str:
    lines = "\n".join(f"      - {step}" for step in steps)
    return f"  - name: {name}\n    steps:\n{lines}"


def _step(answers: Answers, number: int, minor: int, case: int, expect: str) -> str:
    amount = format_minor(minor, CURRENCY_DECIMALS[answers.currency])
    return (
        f"{{as: {_agent(answers.roles[number])}, propose: goodwill_credit, "
        f'amount: "{amount}", facts: case_{case}, expect: {{{expect}}}}}'
    )


def _in_words(answers: Answers, minor: int) -> str:
    return f"{format_minor(minor, CURRENCY_DECIMALS[answers.currency])} {answers.currency}"


# ── who holds what ────────────────────────────────────────────────────────────────────


def _access(answers: Answers) -> str:
    roles = answers.roles
    others = [("auditor", "log, read"), ("author", "policy, publish"), ("author", "policy, read")]
    lines = [
        "# What roles may do to the service.",
        *(f"p, {role}, resolution, propose" for role in roles),
        *(f"p, {role}, allowance, read" for role in roles),
        *(f"p, {role}, escalation, read" for role in roles[1:]),
        *(f"p, {role}, escalation, answer" for role in roles[1:]),
        *(f"p, {role}, {permission}" for role, permission in others if role not in roles),
        "# Who holds which role at which site (* is every site). Take the # away and write names;",
        "# at the top there must be two, for nobody answers their own request.",
        *(f"# g, somebody, {role}, *" for role in roles),
        f"# g, somebody-else, {roles[-1]}, *",
    ]
    return "\n".join(lines) + "\n"
