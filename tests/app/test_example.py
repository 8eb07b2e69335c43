"""The first proposal that anybody sends works."""

from pathlib import Path

import pytest

from service.app.example import example_proposal
from service.bootstrap import compile_files
from service.core.decision import Outcome
from service.core.evaluate import evaluate
from service.core.proposal import read_proposal
from service.core.request import Agent
from service.policyfile.folder import read_folder
from tests.fakes.clock import FakeClock

POLICIES = Path(__file__).parents[2] / "policies"
SETS = sorted(path.parent.name for path in POLICIES.glob("*/access.csv"))


@pytest.mark.parametrize("name", SETS)
def test_the_example_can_be_read_under_every_shipped_policy(name: str) -> None:
    """Whatever a set declares, the example is well formed under it."""
    rulebook = compile_files(read_folder(POLICIES / name)).rulebook
    site = "main" if rulebook.sites is None else next(iter(rulebook.sites))
    assert read_proposal(rulebook, example_proposal(rulebook, site), Agent(id="ana")).site == site


def test_the_hotels_example_is_approved() -> None:
    """Who follows the page sees an approval first."""
    snapshot = compile_files(read_folder(POLICIES / "hotel"))
    body = example_proposal(snapshot.rulebook, "new_york")
    agent = Agent(id="ana", roles=snapshot.access.roles("ana", "new_york"))
    request = read_proposal(snapshot.rulebook, body, agent)
    decision = evaluate(snapshot.rulebook, request, {}, FakeClock().now())
    assert decision.outcome is Outcome.APPROVED
