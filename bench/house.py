"""The hotel of the benchmarks: one policy with room for everybody, and one proposal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

GUESTS: Final = 5_000
"""How many guests take turns."""

_RULES: Final = """
remit: 1
name: bench
currency: USD
timezone: America/New_York
sites: {new_york: {}}
roles: {front_desk: {reports_to: duty_manager}, duty_manager: {}}
facts:
  guest.id:          {type: text, personal: true}
  guest.tier:        {type: choice, of: [member, silver, gold]}
  stay.id:           {type: text}
  stay.nightly_rate: {type: money}
  stay.total:        {type: money}
  incident.severity: {type: integer, from: 1, to: 5}
subject: guest.id
resolutions: {goodwill_credit: {}, comp_night: {unit: night, worth: stay.nightly_rate}}
grants:
  - {id: small-gesture, role: front_desk, may: [goodwill_credit], up_to: 200}
  - {id: make-it-right, role: front_desk, may: [goodwill_credit, comp_night], up_to: 500,
     when: 'incident.severity >= 3 || guest.tier == "gold"', needs: [note]}
  - {id: recovery, role: duty_manager, may: any, up_to: 'percent(stay.total, 100)'}
budgets:
"""
_HOUSE: Final = """\
  - {id: house,      limit: 900000000000, per: [site.id], every: month}
"""
_OTHERS: Final = """\
  - {id: guest-stay, limit: 900000000000, per: [guest.id, stay.id], roles: [front_desk]}
  - {id: shift,      limit: 900000000000, per: [agent.id, site.id], every: day, roles: [front_desk]}
  - {id: repeat,     count: 1000000,      per: [guest.id], within: 90d, roles: [front_desk]}
"""
POLICY: Final = _RULES + _HOUSE + _OTHERS
"""Four budgets over every proposal."""

HOT: Final = _RULES + _HOUSE
"""One budget, and one row of it for everybody."""

ACCESS: Final = """p, agent, resolution, propose
g, front_desk, agent, *
g, ana, front_desk, new_york
"""
PERSON: Final = "ana"


def body_for(guest: object) -> dict[str, Any]:
    """The proposal for one guest. It is approved."""
    return {
        "site": "new_york",
        "resolution": "goodwill_credit",
        "amount": "150.00",
        "currency": "USD",
        "reason": "noise",
        "note": "AC broken until 2 am",
        "channel": "front_desk",
        "facts": {
            "guest": {"id": f"G-{guest}", "tier": "gold"},
            "stay": {"id": f"S-{guest}", "nightly_rate": "320.00", "total": "960.00"},
            "incident": {"severity": 2},
        },
    }


BODY: Final[Mapping[str, Any]] = body_for("GUEST")
"""With a word in place of the guest, for programs that put in one after the other."""


def write(folder: Path, policy: str = POLICY) -> Path:
    """The policy set as a folder."""
    folder.mkdir()
    (folder / "bench.yaml").write_text(policy, encoding="utf-8")
    (folder / "access.csv").write_text(ACCESS, encoding="utf-8")
    return folder
