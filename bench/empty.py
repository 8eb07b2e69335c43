"""The framework's ceiling: a FastAPI POST with the same models that does nothing at all.

python -m bench.empty PORT
"""

import sys

import uvicorn
from fastapi import FastAPI

from service.api.models import Decision, Proposal

ANSWER = {
    "id": "res_00000000000000000000000000",
    "outcome": "approved",
    "state": "settled",
    "value": {"amount": "150.00", "currency": "USD"},
    "authority": {"role": "front_desk", "grant": "small-gesture"},
    "reasons": [{"code": "within_limits", "rule": "small-gesture", "message": "It is allowed."}],
    "missing": [],
    "budgets": [
        {
            "budget": name,
            "per": {"guest.id": "G-1029", "stay.id": "S-88"},
            "limit": "2000.00",
            "charged": "150.00",
            "used": "150.00",
            "remaining": "1850.00",
            "version": 1,
            "from": None,
            "until": None,
        }
        for name in ("guest-stay", "shift", "house", "repeat")
    ],
    "without_escalation_up_to": {"amount": "500.00", "currency": "USD"},
    "counter_offer": None,
    "escalation": None,
    "policy": {"name": "bench", "version": "sha256:" + "0" * 64, "rules": "sha256:" + "0" * 64},
    "entry": {"id": "ent_00000000000000000000000000", "leaf": "0" * 64},
    "decided_at": "2026-03-02T02:00:00Z",
}
DECISION = Decision.model_validate(ANSWER)

app = FastAPI(openapi_url=None)


@app.post("/v1/resolutions", status_code=201)
async def propose(proposal: Proposal) -> Decision:  # noqa: ARG001 — parsed and thrown away
    """Nothing is decided."""
    return DECISION


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
