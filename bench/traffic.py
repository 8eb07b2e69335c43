"""Callers over HTTP: wrk as fast as it can, hey at a rate.

Both come from Debian: apt-get install wrk hey.
"""

import json
import re
import shutil
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from bench.house import BODY, GUESTS, body_for

PATH: Final = "/v1/resolutions"
_SCRIPT: Final = """
local ports = {%s}
local number = 0
function setup(thread)
  number = number + 1
  thread.addr = wrk.lookup("127.0.0.1", ports[(number - 1) %% #ports + 1])[1]
end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %s"
local body = '%s'
local guest = 0
function request()
  guest = guest + 1
  return wrk.format(nil, nil, nil, (body:gsub("GUEST", tostring(guest %% %d))))
end
"""
_UNITS: Final = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to post proposals: processes that are one service, and a caller's secret."""

    ports: Sequence[int]
    secret: str = "none"

    @property
    def url(self) -> str:
        """The first process alone."""
        return f"http://127.0.0.1:{self.ports[0]}{PATH}"


class Figures(NamedTuple):
    """Requests a second, and milliseconds."""

    rate: float
    p50: float
    p99: float


def require() -> None:
    """End with a sentence where a program is missing."""
    for program in ("wrk", "hey"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is not installed: apt-get install wrk hey")


def check(endpoint: Endpoint) -> None:
    """End where one proposal is not approved: what is refused is another work to measure."""
    for port in endpoint.ports:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{PATH}",
            json.dumps(body_for(0)).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {endpoint.secret}"},
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            outcome = json.loads(response.read())["outcome"]
        if outcome != "approved":
            raise SystemExit(f"{endpoint.url}: {outcome}, and everything was to be approved")


def flood(endpoint: Endpoint, connections: int, seconds: int, folder: Path) -> Figures:
    """As much as so many connections can; each process gets its share of them.

    Every answer must be 201. One connection reaches one process. What was still on its way
    at the end is answered when this returns, so that it disturbs nobody else's turn.
    """
    threads = min(len(endpoint.ports), connections)
    script = folder / f"{endpoint.ports[0]}.lua"
    ports = ", ".join(str(port) for port in endpoint.ports)
    script.write_text(_SCRIPT % (ports, endpoint.secret, json.dumps(BODY), GUESTS))
    command = [
        *("wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--latency"),
        *("--timeout", "20s", "-s", str(script), endpoint.url),
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"not every answer was a decision:\n{said}")
    check(endpoint)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if rate is None:
        raise SystemExit(f"wrk said something else:\n{said}")
    return Figures(float(rate[1]), _latency(said, "50%"), _latency(said, "99%"))


def _latency(said: str, share: str) -> float:
    found = re.search(rf"^\s+{share}\s+([\d.]+)(us|ms|s|m)\s*$", said, re.MULTILINE)
    if found is None:
        raise SystemExit(f"wrk said something else:\n{said}")
    return float(found[1]) * _UNITS[found[2]]


def drip(endpoint: Endpoint, rate: float, seconds: int) -> Figures:
    """So many requests a second from 32 connections."""
    body = json.dumps(body_for(time.time_ns() % GUESTS))
    command = [
        *("hey", "-z", f"{seconds}s", "-c", "32", "-q", f"{rate / 32:.2f}"),
        *("-m", "POST", "-T", "application/json", "-H", f"Authorization: Bearer {endpoint.secret}"),
        *("-d", body, "-o", "csv", endpoint.url),
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    times = sorted(float(line.split(",", 1)[0]) * 1e3 for line in said.splitlines()[1:] if line)
    return Figures(len(times) / seconds, statistics.median(times), times[int(len(times) * 0.99)])
