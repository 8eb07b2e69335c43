"""Somebody who issues tokens, with real keys, and a server that shows the public ones."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms
from jwt.api_jws import PyJWS

from service.adapters.clock import SystemClock

ISSUER = "https://id.example.com/"
AUDIENCE = "remit"

_SIGNER = PyJWS()
_CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


def private_key(algorithm: str, number: int = 0) -> Any:
    """A key for an algorithm; another one for each number."""
    return _made(algorithm, number)


@cache
def _made(algorithm: str, number: int) -> Any:
    del number
    if algorithm.startswith(("RS", "PS")):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm])
    return ed25519.Ed25519PrivateKey.generate()


def jwk_of(algorithm: str, kid: str | None, number: int = 0, **more: Any) -> dict[str, Any]:
    """The public half of a key as a JWK."""
    public = private_key(algorithm, number).public_key()
    jwk: dict[str, Any] = json.loads(get_default_algorithms()[algorithm].to_jwk(public))
    jwk.pop("key_ops", None)
    return {**jwk, "kid": kid, **more} if kid is not None else {**jwk, **more}


def jwks_of(*jwks: Mapping[str, Any]) -> bytes:
    """A key set."""
    return json.dumps({"keys": jwks}).encode()


def b64(data: bytes | Mapping[str, Any]) -> str:
    """base64url without padding, of bytes or of JSON."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Issuer:
    """Signs claims with the key of a ``kid``; ``now`` is where its clock stands."""

    algorithm: str = "ES256"
    kid: str = "k1"
    number: int = 0
    now: datetime = field(default_factory=SystemClock().now)

    def jwks(self) -> bytes:
        """The key set that it publishes."""
        return jwks_of(jwk_of(self.algorithm, self.kid, self.number))

    def claims(self, **claims: Any) -> dict[str, Any]:
        """Claims that are good for an hour; ``None`` takes one away."""
        at = int(self.now.timestamp())
        usual = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "ana",
            "iat": at,
            "exp": at + int(timedelta(hours=1).total_seconds()),
        }
        return {name: value for name, value in {**usual, **claims}.items() if value is not None}

    def token(self, headers: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A signed token."""
        return self.signed(json.dumps(self.claims(**claims)).encode(), headers)

    def signed(self, payload: bytes, headers: Mapping[str, Any] | None = None) -> str:
        """A signed token with these very bytes."""
        key = private_key(self.algorithm, self.number)
        given = {"kid": self.kid, **(headers or {})}
        return _SIGNER.encode(payload, key, algorithm=self.algorithm, headers=given)


class KeyServer:
    """Shows ``body`` at its address with ``status``, and counts who asks."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.status = 200
        self.headers: dict[str, str] = {}
        self.asked = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked += 1
                self.send_response(server.status)
                for name, value in server.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(server.body)))
                self.end_headers()
                self.wfile.write(server.body)

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._http.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/keys"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@contextmanager
def key_server(body: bytes) -> Iterator[KeyServer]:
    """A server that shows a key set, while the block lasts."""
    server = KeyServer(body)
    server.start()
    try:
        yield server
    finally:
        server.stop()
