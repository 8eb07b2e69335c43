"""Sets of cells in few words: cells that differ in one name only become one."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Final, TypeAlias

from service.policyfile.diffaxis import Axis, tell
from service.policyfile.diffspace import UNDECIDED, Space

Cube: TypeAlias = Mapping[int, frozenset[int]]
"""For some axes the classes that are meant; any class of the others."""

_POINTS_MAX: Final = 4_000
_WIDENED_MAX: Final = 60
"""How many cubes are tried to be said with fewer names; it takes their square."""


def cubes_of(space: Space, cells: Iterable[tuple[int, ...]], known: Iterable[str]) -> list[Cube]:
    """The cells of a space, joined; what was ``known`` before is not said."""
    silent = {space.places[name] for name in known if name in space.places}
    found: list[Cube] = [
        {
            place: frozenset((number,))
            for place, number in enumerate(at)
            if number != UNDECIDED and place not in silent
        }
        for at in dict.fromkeys(cells)
    ]
    joined = _joined(space.axes, found)
    return _widened(space.axes, joined) if len(joined) <= _WIDENED_MAX else joined


def _joined(axes: Sequence[Axis], cubes: list[Cube]) -> list[Cube]:
    """Join along one axis after the other, until nothing joins any more."""
    while True:
        before = len(cubes)
        for place, axis in enumerate(axes):
            cubes = _joined_along(place, len(axis.classes), cubes)
        if len(cubes) == before:
            return cubes


def _joined_along(place: int, classes: int, cubes: list[Cube]) -> list[Cube]:
    rests: dict[tuple[tuple[int, frozenset[int]], ...], set[int]] = {}
    whole: list[Cube] = []
    for cube in cubes:
        if place in cube:
            rest = tuple(sorted(it for it in cube.items() if it[0] != place))
            rests.setdefault(rest, set()).update(cube[place])
        else:
            whole.append(cube)
    for rest, chosen in rests.items():
        said = {} if len(chosen) == classes else {place: frozenset(chosen)}
        whole.append(dict(sorted({**dict(rest), **said}.items())))
    return whole


def _widened(axes: Sequence[Axis], cubes: list[Cube]) -> list[Cube]:
    """Leave out whatever a cube says although the others make up for it; drop what is double."""
    wide: list[Cube] = []
    for cube in cubes:
        for place in list(cube):
            fewer = {other: chosen for other, chosen in cube.items() if other != place}
            if _covered(axes, fewer, cubes):
                cube = fewer  # noqa: PLW2901 - the cube that is widened
        wide.append(cube)
    for cube in list(wide):
        others = [it for it in wide if it is not cube]
        if others and _covered(axes, cube, others):
            wide = others
    return wide


def _covered(axes: Sequence[Axis], cube: Cube, by: Sequence[Cube]) -> bool:
    """Whether every point of a cube lies in one of the others. Says no where that is much work."""
    places = sorted({place for it in (cube, *by) for place in it})
    ranges = [sorted(cube.get(place, range(len(axes[place].classes)))) for place in places]
    points = 1
    for numbers in ranges:
        points *= len(numbers)
    if points > _POINTS_MAX:
        return False
    return all(
        any(_lies_in(dict(zip(places, point, strict=True)), it) for it in by)
        for point in product(*ranges)
    )


def _lies_in(point: Mapping[int, int], cube: Cube) -> bool:
    return all(point[place] in chosen for place, chosen in cube.items())


def told(space: Space, cube: Cube) -> tuple[str, ...]:
    """What a cube says of each name."""
    return tuple(tell(space.axes[place], chosen) for place, chosen in sorted(cube.items()))
