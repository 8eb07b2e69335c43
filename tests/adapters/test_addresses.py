"""Which addresses are connected to, whatever a name looks like and its server says."""

import subprocess
import sys
from collections.abc import Sequence

import pytest

from service.adapters.addresses import ADDRESSES_MAX, AddressRefused, checked

PUBLIC = "93.184.215.14"
PUBLIC_V6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
PRIVATE = (
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "172.16.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "::1",
    "fc00::1",
    "fd12:3456:789a::1",
    "2001:db8::1",
    "::ffff:10.0.0.1",
    "::ffff:7f00:1",
    "::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2002:a00:1::",
    "2001::7f00:1",
    "4000::1",
)
NEVER = (
    "0.0.0.0",  # noqa: S104 — it is bound to nothing
    "0.1.2.3",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "192.0.0.192",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
)
WRITTEN_OTHERWISE = (
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "127.0.1",
    "::ffff:127.0.0.1",
    "localhost",
)
"""Hosts that a resolver reads as this machine."""

ASK = """
import sys
from service.adapters.addresses import AddressRefused, checked
for host in sys.argv[1:]:
    try:
        print(checked(host, 443, allow_private=False))
    except AddressRefused as refused:
        print(refused.code)
"""
"""What the machine's own resolver makes of hosts: a process of its own may ask it."""


def refusal(host: str, *addresses: str, allow_private: bool = False) -> str | None:
    """The code with which a host of these addresses is refused."""

    def says(_host: str, _port: int) -> Sequence[str]:
        return addresses

    try:
        checked(host, 443, allow_private=allow_private, resolve=says)
    except AddressRefused as refused:
        return refused.code
    return None


@pytest.mark.parametrize("address", [PUBLIC, PUBLIC_V6, f"::ffff:{PUBLIC}", "64:ff9b::5db8:d70e"])
def test_public_addresses_are_taken(address: str) -> None:
    """Also one of IPv4 in the dress of IPv6."""
    assert refusal("hooks.example.com", address) is None


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused(address: str) -> None:
    """Whoever names a receiver cannot reach this machine or its neighbours."""
    assert refusal("hooks.example.com", address) == "private_address"


@pytest.mark.parametrize("address", PRIVATE)
def test_the_operator_may_allow_private_addresses(address: str) -> None:
    """A receiver may stand in the same network."""
    assert refusal("hooks.example.com", address, allow_private=True) is None


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("allow_private", [False, True])
def test_some_addresses_are_never_meant(address: str, allow_private: bool) -> None:
    """No receiver is at a metadata service, in a whole group, or at no address at all."""
    found = refusal("hooks.example.com", address, allow_private=allow_private)
    assert found == "forbidden_address"


@pytest.mark.parametrize("bad", ["127.0.0.1", "::1", "169.254.169.254"])
@pytest.mark.parametrize("place", [0, 1, 8])
def test_one_bad_address_refuses_all(bad: str, place: int) -> None:
    """Wherever it stands among good ones, also behind those that would be tried."""
    addresses = [PUBLIC] * 8
    addresses.insert(place, bad)
    assert refusal("hooks.example.com", *addresses) is not None


def test_other_ways_to_write_this_machine() -> None:
    """A number, octal and hexadecimal digits: what the resolver reads is what is checked."""
    asked = subprocess.run(
        [sys.executable, "-c", ASK, *WRITTEN_OTHERWISE], capture_output=True, text=True, check=True
    )
    assert asked.stdout.split() == ["private_address"] * len(WRITTEN_OTHERWISE)


def test_few_addresses_are_tried() -> None:
    """A name with hundreds of addresses does not keep a line waiting for hundreds of attempts."""
    found = checked(
        "hooks.example.com", 443, allow_private=False, resolve=lambda *_: [PUBLIC] * 300
    )
    assert len(found) == ADDRESSES_MAX


def test_a_name_without_an_address_is_an_error() -> None:
    """It is no permission to go on."""
    with pytest.raises(OSError, match="no address"):
        checked("hooks.example.com", 443, allow_private=True, resolve=lambda *_: [])
