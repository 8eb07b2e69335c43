"""What is attacked: replicas of one database, and what they told."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.attack import policy, replicas
from tests.attack.clients import Attack, Client, Outcome, Plan, Wish, attack
from tests.attack.database import counts, read
from tests.attack.history import Kept, Told, faults
from tests.attack.replicas import Replica

_SITES = count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Replicas of one database, and a caller's secret. ``told`` grows with every attack."""

    database: str
    replicas: Sequence[Replica]
    policies: Path
    secret: str
    told: list[Told] = field(default_factory=list)

    def new_site(self) -> str:
        """A site that nobody has used: its till is full."""
        return f"site-{next(_SITES)}"

    def begin(
        self, wishes: Sequence[Wish], *, processes: int = 1, threads: int = 1, split: bool = True
    ) -> Attack:
        """Send wishes from several processes. Without ``split`` each process sends them all."""
        shares = [wishes[n::processes] if split else wishes for n in range(processes)]
        ports = [replica.port for replica in self.replicas]
        turned = [ports[n % len(ports) :] + ports[: n % len(ports)] for n in range(processes)]
        return attack(
            [
                Plan(ports=mine, secret=self.secret, wishes=share, threads=threads)
                for mine, share in zip(turned, shares, strict=True)
            ]
        )

    def end(self, running: Attack) -> list[Outcome]:
        """Wait for an attack, and remember what was told."""
        outcomes = running.outcomes()
        self.told.extend(outcome.told for outcome in outcomes if outcome.status == 201)
        return outcomes

    def ask(self, wish: Wish) -> Outcome:
        """Send one wish from this process."""
        with closing(Client([replica.port for replica in self.replicas], self.secret)) as client:
            outcome = client.fulfil(wish)
        if outcome.status == 201:
            self.told.append(outcome.told)
        return outcome

    def decided(self) -> int:
        """How many resolutions the database holds."""
        return counts(self.database)["resolutions"]

    def kept(self) -> Kept:
        """What the database holds. The history of everything so far holds, or the test fails."""
        kept = read(self.database)
        found = faults(self.told, kept, rolling=policy.ROLLING)
        assert not found, "\n".join(found)
        return kept


@contextmanager
def opened(database: str, folder: Path, number: int) -> Iterator[Target]:
    """So many replicas of a migrated database, with the policy of a folder in force."""
    with replicas.running(database, folder, number) as running:
        secret = replicas.key_for("ana", database, folder)
        yield Target(database=database, replicas=running, policies=folder, secret=secret)
