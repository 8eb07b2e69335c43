"""The shop, where people come with keys, and with tokens of one issuer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.app.principal import Principal
from service.app.tokens import Tokens
from service.bootstrap import open_services
from service.core.request import AgentKind
from tests.app.holding import HELD, HoldingHouse, clock_for
from tests.app.house import POLICY, shop_files, shop_settings, write_shop
from tests.issuer import AUDIENCE, ISSUER, Issuer

CLERK = {"main": ["clerk"]}
MANAGER = {"main": ["manager"]}


class TokenHouse(HoldingHouse):
    """Whoever `comes` has a token; everybody else has a key. Time stands still until `wait`."""

    issuer: Issuer
    claims: dict[str, dict[str, Any]]

    def comes(self, person: str, roles: Any = None, **claims: Any) -> None:
        """From now on the person has tokens that name these roles."""
        self.claims[person] = {"remit_roles": roles, **claims}

    def token(self, person: str, **claims: Any) -> str:
        """A token of somebody, issued at this moment."""
        issuer = replace(self.issuer, now=self.clock.now())
        return issuer.token(sub=person, **{**self.claims[person], **claims})

    def principal(
        self, person: str, kind: AgentKind = "human", owner: str | None = None
    ) -> Principal:
        """Whom the door recognises: by their token, if they have any."""
        if person not in self.claims:
            return super().principal(person, kind, owner)
        return self.tokens.identify(self.token(person), self.clock.now())

    @property
    def tokens(self) -> Tokens:
        tokens = self.services.tokens
        assert tokens is not None
        return tokens


@contextmanager
def open_token_house(folder: Path, database: str) -> Iterator[TokenHouse]:
    """Everything running over a database, with an issuer whose keys lie in a file."""
    policy = POLICY
    for old, new in HELD:
        policy = policy.replace(old, new)
    shop, keys, issuer = write_shop(folder / "shop", shop_files(policy)), folder / "keys", Issuer()
    keys.write_bytes(issuer.jwks())
    settings = replace(
        shop_settings(shop, database), jwt_issuer=ISSUER, jwt_audience=AUDIENCE, jwks=str(keys)
    )
    with clock_for(database) as clock, open_services(settings, clock) as services:
        house = TokenHouse(services, folder, clock)
        house.issuer, house.claims = issuer, {}
        yield house
