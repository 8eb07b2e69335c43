"""A table of transitions as a Mermaid diagram: what the documentation shows is what runs."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


def mermaid(transitions: Mapping[tuple[State, Event], State], first: State) -> str:
    """A state diagram: one arrow for each pair of states, with every event that leads there."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, event), to in transitions.items():
        arrows.setdefault((state.value, to.value), []).append(event.value)
    leaves = {state.value for state, _ in transitions}
    lines = ["stateDiagram-v2", f"    [*] --> {first.value}"]
    lines += [
        f"    {state} --> {to}: {', '.join(events)}" for (state, to), events in arrows.items()
    ]
    final = dict.fromkeys(to.value for to in transitions.values() if to.value not in leaves)
    lines += [f"    {state} --> [*]" for state in final]
    return "\n".join(lines) + "\n"
