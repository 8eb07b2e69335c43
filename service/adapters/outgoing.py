"""Outgoing connections: to checked addresses only, and over when their time is up."""

import socket
import ssl
from contextlib import suppress
from datetime import timedelta
from functools import cache
from threading import Timer
from types import TracebackType
from typing import Final, Self

from service.adapters.addresses import AddressRefused, Resolve, checked, resolved
from service.app.sending import Undelivered

_CODES: Final[tuple[tuple[type[OSError], str], ...]] = (
    (ssl.SSLCertVerificationError, "certificate_refused"),
    (ssl.SSLError, "tls_failed"),
    (socket.gaierror, "unknown_host"),
    (ConnectionRefusedError, "connection_refused"),
    (TimeoutError, "timeout"),
)


@cache
def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Verifies names and certificates, by the machine's authorities or those of a file."""
    return ssl.create_default_context(cafile=ca_file)


class Outgoing:
    """One connection, in a block: it is closed with it, and cut when its time is up.

    Whatever goes wrong with it leaves the block as `Undelivered`. The time-outs of a
    socket bound each wait alone; a receiver that sends a byte now and then would hold its
    line for ever, so the whole is bounded as well.
    """

    def __init__(self, lasts: timedelta, resolve: Resolve = resolved) -> None:
        """``lasts`` is for everything, from the look-up of the name on."""
        self._seconds = lasts.total_seconds()
        self._resolve = resolve
        self._socket: socket.socket | None = None
        self._is_over = False
        self._timer = Timer(self._seconds, self._cut)
        self._timer.daemon = True

    def connect(self, host: str, port: int, *, allow_private: bool) -> socket.socket:
        """A connection to the first address that answers, if all that the host has are allowed."""
        addresses = checked(host, port, allow_private=allow_private, resolve=self._resolve)
        refused: OSError = TimeoutError()
        for address in addresses:
            if self._is_over:
                break
            try:
                return self._connected(address, port)
            except OSError as error:
                refused = error
        raise refused

    def encrypt(self, ca_file: str | None, host: str) -> ssl.SSLSocket:
        """The same connection under TLS, with whom the name says it is."""
        if self._socket is None:
            raise OSError("not connected")
        # The handshake comes after the exchange: what is cut must be the socket in use.
        encrypted = tls_context(ca_file).wrap_socket(
            self._socket, server_hostname=host, do_handshake_on_connect=False
        )
        self._socket = encrypted
        self.check()
        encrypted.do_handshake()
        return encrypted

    def check(self) -> None:
        """Raise `TimeoutError` where the time is up: what was read since may be cut short."""
        if self._is_over:
            raise TimeoutError

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        _: type[BaseException] | None,
        error: BaseException | None,
        __: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._socket is not None:
            self._socket.close()
        if isinstance(error, AddressRefused):
            raise Undelivered(error.code) from error
        if self._is_over and isinstance(error, Exception):
            raise Undelivered("timeout") from error
        if isinstance(error, OSError):
            raise Undelivered(_code_of(error)) from error

    def _connected(self, address: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = found = socket.socket(family, socket.SOCK_STREAM)
        found.settimeout(self._seconds)
        try:
            found.connect((address, port))
            self.check()
        except OSError:
            found.close()
            raise
        return found

    def _cut(self) -> None:
        self._is_over = True
        if self._socket is not None:
            with suppress(OSError):
                # Beneath TLS: nothing is said in farewell, and no lock is waited for.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _code_of(error: OSError) -> str:
    found = (code for kind, code in _CODES if isinstance(error, kind))
    return next(found, "connection_lost")
