"""What a token costs: the first time it comes, and each time after that.

The first time the signature is verified and the claims are read; afterwards the process
remembers it and looks only at its end and at its key. Times are CPU time, so that a busy
machine does not count.

    python -m bench.tokens
"""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms
from jwt.api_jws import PyJWS

from bench.table import Table
from service.adapters.jws import Jws
from service.adapters.keysource import KeySource
from service.app.claimrules import ClaimRules
from service.app.tokens import Tokens

NUMBER = 400
AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
RULES = ClaimRules(issuer="https://id.example.com/", audiences=("remit",))
KEYS: dict[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "PS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


def main() -> None:
    """Measure every algorithm and print one table."""
    table = Table("signed with", "first time µs", "again µs")
    for algorithm, make in KEYS.items():
        first, again = measured(algorithm, make())
        table.row(algorithm, first, again)
    table.print()


def measured(algorithm: str, key: Any) -> tuple[float, float]:  # noqa: ANN401 — of any kind
    """Microseconds for a token that is new, and for one that is known."""
    tokens = Tokens(Jws(KeySource(lambda: jwks(algorithm, key), print)), RULES, None)  # type: ignore[arg-type]
    issued = [token(algorithm, key, number) for number in range(NUMBER)]
    tokens.identify(token(algorithm, key, NUMBER), AT)
    first = timed(issued, lambda text: tokens.identify(text, AT))
    again = timed(issued * 20, lambda text: tokens.recall(text, AT))
    return first, again


def timed(texts: Sequence[str], ask: Callable[[str], object]) -> float:
    """Microseconds of CPU time for each."""
    begun = time.process_time()
    for text in texts:
        ask(text)
    return (time.process_time() - begun) / len(texts) * 1e6


def jwks(algorithm: str, key: Any) -> bytes:  # noqa: ANN401 — of any kind
    """The key set of one key."""
    jwk = json.loads(get_default_algorithms()[algorithm].to_jwk(key.public_key()))
    return json.dumps({"keys": [{**jwk, "kid": "k"}]}).encode()


def token(algorithm: str, key: Any, number: int) -> str:  # noqa: ANN401 — of any kind
    """A token with roles at two sites."""
    at = int(AT.timestamp())
    claims = {
        "iss": RULES.issuer,
        "aud": RULES.audiences[0],
        "sub": f"person{number}",
        "iat": at,
        "exp": at + 300,
        "jti": str(number),
        "remit_roles": {"new_york": ["front_desk"], "vienna": ["front_desk"]},
    }
    data = json.dumps(claims).encode()
    return PyJWS().encode(data, key, algorithm=algorithm, headers={"kid": "k"})


if __name__ == "__main__":
    main()
