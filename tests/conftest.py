"""What holds for every test: no settings from outside, no network, no deadline."""

import os
import sys

from hypothesis import settings

LOOPBACK = ("127.", "::1", "localhost")

for name in [name for name in os.environ if name.startswith("REMIT_")]:
    del os.environ[name]

# How long one example takes says more about the machine than about the code.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


def stay_offline(event: str, args: tuple[object, ...]) -> None:
    """Refuse to reach any host but this one: a test that needs the world fails at once."""
    if event == "socket.connect":
        address = args[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    if isinstance(host, str) and host and not host.startswith(LOOPBACK):
        raise RuntimeError(f"The tests run offline. Pass a fake instead of reaching {host}.")


sys.addaudithook(stay_offline)
