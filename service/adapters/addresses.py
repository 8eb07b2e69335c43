"""Which addresses may be connected to: who names a receiver must not reach our insides.

A name is resolved once. Every address it has is checked, and the connection goes to a
checked address and not to the name, so that a second answer of the name's server cannot
lead elsewhere. One bad address among good ones refuses them all.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

ADDRESSES_MAX: Final = 4
"""How many of a name's addresses are tried; all of them are checked."""

Address: TypeAlias = IPv4Address | IPv6Address
Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""A name's addresses, numeric. Raises `OSError` where it has none."""

_METADATA: Final = frozenset(
    map(ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"))
)
"""Where clouds tell a machine its credentials, as far as no rule below knows it."""

_GLOBAL_V6: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_SIXTOFOUR: Final = IPv6Network("2002::/16")
_RESERVED_V4: Final = ip_network("240.0.0.0/4")
_THIS_NETWORK: Final = ip_network("0.0.0.0/8")


class AddressRefused(Exception):  # noqa: N818 — it names what happened
    """A name that leads where nothing is to be sent. ``code`` is stable."""

    def __init__(self, code: str) -> None:
        """Codes: ``private_address``, ``forbidden_address``."""
        super().__init__(code)
        self.code = code


def resolved(host: str, port: int) -> Sequence[str]:
    """What the machine's resolver says, which also reads ``0x7f.1`` and ``2130706433``."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for _, _, _, _, sockaddr in found))


def checked(
    host: str, port: int, *, allow_private: bool, resolve: Resolve = resolved
) -> Sequence[str]:
    """The addresses of a host, each of which may be connected to.

    Never multicast, unspecified, reserved or link-local ones, nor those of metadata
    services; private ones only where they are allowed. Raises `AddressRefused`, and
    `OSError` where the name has no address.
    """
    found = resolve(host, port)
    if not found:
        raise OSError(f"{host} has no address")
    for text in found:
        code = _objection(ip_address(text.partition("%")[0]), allow_private=allow_private)
        if code is not None:
            raise AddressRefused(code)
    return found[:ADDRESSES_MAX]


def _objection(address: Address, *, allow_private: bool) -> str | None:
    inner = _embedded(address)
    if inner is not None:
        return _objection(inner, allow_private=allow_private)
    if _is_never_meant(address):
        return "forbidden_address"
    return None if allow_private or _is_public(address) else "private_address"


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for (RFC 4291, 3056, 6052)."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIXTOFOUR:
        return address.sixtofour
    return address.ipv4_mapped


def _is_never_meant(address: Address) -> bool:
    if address in _METADATA or address.is_multicast or address.is_unspecified:
        return True
    if isinstance(address, IPv4Address):
        return address.is_link_local or address in _RESERVED_V4 or address in _THIS_NETWORK
    return address.is_link_local or address.is_site_local


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_V6:
        return False
    return address.is_global
