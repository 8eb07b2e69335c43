"""The database server is not there: everybody is told so in a sentence, and nothing is guessed."""

from pathlib import Path

import pytest

from service.adapters.sql.store import open_database
from service.app.errors import Unavailable
from service.bootstrap import StartError, check_database, open_services, upgrade_database
from service.config import Settings
from tests.attack.replicas import MASTER_KEY, SIGNING_KEY
from tests.fakes.clock import FakeClock


@pytest.fixture
def away(tmp_path: Path) -> str:
    """The URL of a server that nobody started."""
    return f"postgresql://remit@/remit?host={tmp_path}"


def test_commands_end_with_a_sentence(away: str) -> None:
    """Whoever starts, upgrades or checks is told what the server, or its absence, said."""
    settings = Settings(database=away, master_key=MASTER_KEY, signing_key=SIGNING_KEY)
    for command in (check_database, upgrade_database):
        with pytest.raises(StartError, match=r"cannot be reached: .*No such file"):
            command(settings)
    with pytest.raises(StartError, match="cannot be reached"), open_services(settings):
        pass


def test_requests_are_refused_and_nothing_is_claimed(away: str) -> None:
    """A transaction and a read say that nothing was decided, so both may be asked again."""
    with open_database(away, FakeClock()) as store:
        with pytest.raises(Unavailable, match="nothing was changed"), store.begin():
            pass
        with pytest.raises(Unavailable, match="nothing was changed"), store.read():
            pass
