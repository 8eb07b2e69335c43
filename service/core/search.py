"""A search for budget rows: JSON to the names that their keys are made of."""

from dataclasses import dataclass
from typing import Any, Final

from service.core.factvalue import FactError, check_text
from service.core.proposal import read_circumstances
from service.core.refusal import Fault, Refused
from service.core.request import Agent, Request
from service.core.rulebook import Rulebook

_OWN: Final = ("agent", "budget", "burn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Site, facts and agent in ``request`` (an agent without an id is not known).

    ``budget`` narrows to one; ``burn`` asks for the days.
    """

    request: Request
    budget: str | None
    burn: bool


def read_search(rulebook: Rulebook, body: Any) -> Search:  # noqa: ANN401 — JSON
    """What is searched for: circumstances, and ``agent``, ``budget``, ``burn`` if wanted.

    Raises `Refused` with the faults of its own fields, or else with those of the rest.
    """
    fields = body if isinstance(body, dict) else {}
    faults: list[Fault] = []
    agent, budget = (_text(fields, name, faults) for name in ("agent", "budget"))
    burn = fields.get("burn")
    if not isinstance(burn, bool | None):
        faults.append(_fault("wrong_type", "burn", "true or false is expected here", "write true"))
    if faults:
        raise Refused(tuple(faults))
    rest = {name: value for name, value in fields.items() if name not in _OWN}
    request = read_circumstances(rulebook, rest if fields else body, Agent(id=agent or ""))
    return Search(request=request, budget=budget, burn=bool(burn))


def _text(fields: dict[str, Any], name: str, faults: list[Fault]) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    try:
        return check_text(value, 200)
    except FactError as error:
        faults.append(_fault(error.code, name, error.message, error.remedy))
        return None


def _fault(code: str, name: str, message: str, remedy: str) -> Fault:
    return Fault(code=code, pointer=f"/{name}", message=message, remedy=remedy)
