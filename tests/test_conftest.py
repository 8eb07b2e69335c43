"""The surroundings that every test relies on."""

import os
import socket

import pytest
from hypothesis import settings

DOCUMENTATION_HOST = "192.0.2.1"  # RFC 5737: never assigned


def test_the_world_is_out_of_reach() -> None:
    """A connection to any host but this one is refused before a packet leaves."""
    with socket.socket() as wire, pytest.raises(RuntimeError, match="offline"):
        wire.connect((DOCUMENTATION_HOST, 80))


def test_names_are_not_looked_up() -> None:
    """A host's name is refused before anybody is asked for its address."""
    with pytest.raises(RuntimeError, match="offline"):
        socket.getaddrinfo("host.example", 80)


def test_this_machine_is_in_reach() -> None:
    """A test may talk to a server that it has started itself."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as wire:
        wire.connect(server.getsockname())


def test_settings_do_not_leak_in() -> None:
    """No setting of the service comes from the environment of whoever runs the tests."""
    assert [name for name in os.environ if name.startswith("REMIT_")] == []


def test_examples_have_no_deadline() -> None:
    """A slow machine fails no property."""
    assert settings().deadline is None
