"""Tiles are laid out as the specification says, and a flipped byte of one is noticed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.merkle import leaf_hash
from service.core.proof import ProofError, prove_consistency, prove_inclusion
from service.core.tiles import (
    Bundle,
    Tile,
    TileError,
    TileReader,
    bundles_of,
    check_tiles,
    format_bundle,
    format_hashes,
    grown_tiles,
    parse_bundle,
    parse_hashes,
    parse_path,
    tile_of,
    tiles_of,
)
from tests.core.outsiders import OUTSIDERS, tiles_in
from tests.core.trees import checkpoint, entries, files, flipped, grow, leaves, root, tiles

INDEXES = st.integers(0, 2**55 - 1)
WIDTHS = st.integers(1, 256)
PLACES = st.one_of(
    st.builds(Tile, level=st.integers(0, 63), index=INDEXES, width=WIDTHS),
    st.builds(Bundle, index=INDEXES, width=WIDTHS),
)
SIZE = 70_000
"""The specification's own example: three levels, each with a partial tile."""


# ── paths ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (Tile(level=0, index=0), "tile/0/000"),
        (Tile(level=0, index=1_234_067), "tile/0/x001/x234/067"),
        (Tile(level=1, index=1000, width=17), "tile/1/x001/000.p/17"),
        (Tile(level=63, index=999, width=255), "tile/63/999.p/255"),
        (Bundle(index=42), "tile/entries/042"),
        (Bundle(index=273, width=112), "tile/entries/273.p/112"),
    ],
)
def test_paths_are_the_specification_s(place: Tile | Bundle, path: str) -> None:
    """Levels, groups of three digits and partial widths are written as c2sp.org/tlog-tiles says."""
    assert place.path == path
    assert parse_path(path) == place


@given(PLACES)
def test_what_is_written_is_read_again(place: Tile | Bundle) -> None:
    """Every place has a path that leads back to it."""
    assert parse_path(place.path) == place


@given(st.from_regex(r"tile/(entries|[0-9]{1,3})/(x[0-9]{3}/)*[0-9]{3}(\.p/[0-9]{1,3})?"))
def test_what_is_read_would_be_written_again(path: str) -> None:
    """A place has no second path."""
    try:
        place = parse_path(path)
    except TileError:
        return
    assert place.path == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/067",
        "tile/0/001/067",
        "tile/0/x01/067",
        "tile/0/x001",
        "tile/0/000.p",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/000\n",
        "tile/data/000",
        "tile/entries/000.p/256",
        "tile/0/../000",
        "tile/0/" + "x999/" * 30 + "999",
        "tile/0/x036/x028/x797/x018/x963/968",
    ],
)
def test_anything_but_a_path_is_refused(path: str) -> None:
    """Leading zeros, other widths, levels and digits, and ways around are refused."""
    with pytest.raises(TileError):
        parse_path(path)


# ── contents ──────────────────────────────────────────────────────────────────────────


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=256))
def test_hashes_survive_their_tile(hashes: list[bytes]) -> None:
    """A tile is its hashes, one after the other."""
    data = format_hashes(hashes)
    assert parse_hashes(data, len(hashes)) == tuple(hashes)
    assert len(data) == 32 * len(hashes)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_entries_survive_their_bundle(held: list[bytes]) -> None:
    """A bundle is its entries, each after its length; an empty entry has a length too."""
    assert parse_bundle(format_bundle(held), len(held)) == tuple(held)


@given(st.binary(max_size=60), st.integers(1, 20))
def test_a_bundle_that_is_read_would_be_written_again(data: bytes, width: int) -> None:
    """Bytes that are accepted as a bundle are the only way to write it."""
    try:
        held = parse_bundle(data, width)
    except TileError:
        return
    assert format_bundle(held) == data


def test_an_entry_may_have_as_many_bytes_as_its_length_can_say() -> None:
    """65,535 bytes pass, one more does not."""
    assert parse_bundle(format_bundle([bytes(65_535)]), 1) == (bytes(65_535),)
    with pytest.raises(TileError, match="65535"):
        format_bundle([bytes(65_536)])


@pytest.mark.parametrize(
    ("data", "width"),
    [
        (b"", 1),
        (b"\x00", 1),
        (b"\x00\x02a", 1),
        (b"\x00\x01a\x00", 1),
        (b"\x00\x01a\x00", 2),
        (b"\x00\x01a", 2),
        (b"\x00\x01a\x00\x01b", 1),
        (b"\x00\x00", 0),
        (b"\x00\x00" * 257, 257),
    ],
)
def test_anything_but_a_bundle_is_refused(data: bytes, width: int) -> None:
    """A cut entry, bytes left over and another number of entries are refused."""
    with pytest.raises(TileError):
        parse_bundle(data, width)


@pytest.mark.parametrize(("length", "width"), [(0, 0), (31, 1), (33, 1), (64, 1), (8224, 257)])
def test_anything_but_a_tile_is_refused(length: int, width: int) -> None:
    """A tile has exactly the hashes that its path says, and no more than 256."""
    with pytest.raises(TileError):
        parse_hashes(bytes(length), width)


@pytest.mark.parametrize("hashes", [[], [bytes(31)], [bytes(32)] * 257])
def test_no_tile_is_made_of_anything_else(hashes: list[bytes]) -> None:
    """No tile is empty, too wide, or holds something that is no hash."""
    with pytest.raises(TileError):
        format_hashes(hashes)


# ── trees ─────────────────────────────────────────────────────────────────────────────


def test_the_specification_s_example_has_its_tiles() -> None:
    """A tree of 70,000 has 273 full tiles and a partial one, one and a partial one, and one."""
    listed = list(tiles_of(SIZE))
    assert sum(1 for tile in listed if (tile.level, tile.width) == (0, 256)) == 273
    assert [tile.path for tile in listed if tile.level or tile.width < 256] == [
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert len(list(bundles_of(SIZE))) == 274
    assert list(bundles_of(SIZE))[-1].path == "tile/entries/273.p/112"


@pytest.mark.parametrize(
    ("size", "paths"),
    [
        (0, []),
        (1, ["tile/0/000.p/1"]),
        (256, ["tile/0/000", "tile/1/000.p/1"]),
        (257, ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]),
    ],
)
def test_small_trees_have_their_tiles(size: int, paths: list[str]) -> None:
    """No empty tile is listed, and a full tile has its hash above it."""
    assert [tile.path for tile in tiles_of(size)] == paths


def test_a_tree_has_no_tile_beyond_its_edge() -> None:
    """Asking for what is not there is an error, not an empty tile."""
    assert tile_of(0, 1, 257).width == 1
    for level, index in [(0, 2), (1, 1), (2, 0)]:
        with pytest.raises(TileError, match="no tile"):
            tile_of(level, index, 257)


@given(st.lists(st.integers(0, 400), max_size=5))
def test_batches_make_no_difference(batches: list[int]) -> None:
    """However leaves arrive, the tree's tiles are those of all at once."""
    every = leaves(2_000)
    grown: dict[Tile, bytes] = {}
    size = 0
    for batch in batches:
        grow(grown, size, every[size : size + batch])
        size += batch
    whole = tiles(size)
    assert {tile: grown[tile] for tile in tiles_of(size)} == {
        tile: whole[tile] for tile in tiles_of(size)
    }
    check_tiles(size, root(size), grown.__getitem__)


def test_only_what_changes_is_written() -> None:
    """Appending two leaves at the edge of a tile writes that tile, the next and the one above."""
    grown = grown_tiles(511, leaves(513)[511:], tiles(511).__getitem__)
    assert [tile.path for tile, _ in grown] == ["tile/0/001", "tile/0/002.p/1", "tile/1/000.p/2"]
    assert list(grown_tiles(511, [], tiles(511).__getitem__)) == []


def test_a_partial_tile_of_another_width_is_not_built_upon() -> None:
    """A store that returns more or less than the tree has stops the growth."""
    with pytest.raises(TileError, match="bytes"):
        list(grown_tiles(2, leaves(3)[2:], lambda _: bytes(32)))


def test_proofs_are_made_from_tiles() -> None:
    """Inclusion and consistency in a tree of three levels follow from its tiles alone."""
    reader = TileReader(SIZE, tiles(SIZE).__getitem__)
    assert reader.root() == root(SIZE)
    for index in (0, 255, 256, 65_535, 65_536, 69_887, 69_888, SIZE - 1):
        prove_inclusion(index, SIZE, reader.node).verify(leaves(SIZE)[index], root(SIZE))
    for old_size in (1, 255, 256, 257, 65_536, 65_537, 69_888, SIZE):
        prove_consistency(old_size, SIZE, reader.node).verify(root(old_size), root(SIZE))


def test_a_proof_reads_few_tiles() -> None:
    """A proof in a tree of 70,000 reads at most two tiles a level, each once."""
    stored, read = tiles(SIZE), list[Tile]()

    def reading(tile: Tile) -> bytes:
        read.append(tile)
        return stored[tile]

    prove_inclusion(33_333, SIZE, TileReader(SIZE, reading).node)
    assert len(read) == len(set(read)) <= 6


def test_a_subtree_beyond_the_edge_is_refused() -> None:
    """An incomplete subtree has no hash in any tile."""
    reader = TileReader(300, tiles(300).__getitem__)
    for level, index in [(0, 300), (6, 4), (8, 1), (9, 0), (16, 0)]:
        with pytest.raises(TileError):
            reader.node(level, index)


# ── others ────────────────────────────────────────────────────────────────────────────


def write_all(folder: Path, served: dict[str, bytes]) -> None:
    for path, data in served.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 300, 1_000, SIZE])
def test_others_read_our_tiles(size: int, tmp_path: Path) -> None:
    """tlog-scales finds the root, every proof and every entry from the files alone."""
    write_all(tmp_path, files(size))
    found = tiles_in(tmp_path, size)
    assert found.calculate_root_hash() == root(size)
    assert (tmp_path / "checkpoint").read_bytes() == checkpoint(size)
    reader = TileReader(size, tiles(size).__getitem__)
    for index in {0, size // 2, size - 1}:
        theirs = found.get_inclusion_proof(index, size)
        assert tuple(theirs.node_hashes) == prove_inclusion(index, size, reader.node).hashes
        assert leaf_hash(found.get_entry(index)) == leaves(size)[index]
    for old_size in {1, size // 2 or 1, size}:
        grew = found.get_consistency_proof(old_size, size)
        assert tuple(grew.node_hashes) == prove_consistency(old_size, size, reader.node).hashes


@pytest.mark.parametrize("tile", list(tiles_of(600)), ids=lambda tile: str(tile.path))
def test_others_notice_an_altered_tile(tile: Tile, tmp_path: Path) -> None:
    """A flipped byte of a tile gives tlog-scales another root, or proofs that do not hold."""
    served = files(600)
    write_all(tmp_path, served | {tile.path: flipped(served[tile.path], 40, 1)})
    found = tiles_in(tmp_path, 600)
    proved = [
        OUTSIDERS[0].inclusion(
            index, 600, leaf, found.get_inclusion_proof(index, 600).node_hashes, root(600)
        )
        for index, leaf in enumerate(leaves(600))
    ]
    assert found.calculate_root_hash() != root(600) or not all(proved)


@pytest.mark.parametrize("bundle", list(bundles_of(600)), ids=lambda bundle: str(bundle.path))
def test_others_notice_an_altered_bundle(bundle: Bundle, tmp_path: Path) -> None:
    """A flipped byte of an entry gives it another hash than the one that is proved."""
    served = files(600)
    write_all(tmp_path, served | {bundle.path: flipped(served[bundle.path], 5, 1)})
    first = bundle.index * 256
    assert leaf_hash(tiles_in(tmp_path, 600).get_entry(first)) != leaves(600)[first]


# ── flipped bytes ─────────────────────────────────────────────────────────────────────

STORED = tiles(600)
TILES = sorted(tiles_of(600), key=lambda tile: tile.path)


@st.composite
def spoilt(draw: st.DrawFn) -> dict[Tile, bytes]:
    """The tiles of 600 leaves with one byte of one that the tree has flipped."""
    tile = draw(st.sampled_from(TILES))
    at = draw(st.integers(0, len(STORED[tile]) - 1))
    return STORED | {tile: flipped(STORED[tile], at, draw(st.integers(1, 255)))}


@given(spoilt())
def test_no_altered_tile_passes(stored: dict[Tile, bytes]) -> None:
    """Whatever byte of whatever tile is flipped, the tiles are not those of the root."""
    with pytest.raises(TileError):
        check_tiles(600, root(600), stored.__getitem__)


@given(spoilt(), st.integers(0, 599))
def test_no_proof_from_altered_tiles_is_accepted_unless_it_is_right(
    stored: dict[Tile, bytes], index: int
) -> None:
    """A proof made from spoilt tiles either verifies because it is untouched, or does not."""
    right = prove_inclusion(index, 600, TileReader(600, STORED.__getitem__).node)
    proof = prove_inclusion(index, 600, TileReader(600, stored.__getitem__).node)
    if proof == right:
        proof.verify(leaves(600)[index], root(600))
    else:
        with pytest.raises(ProofError):
            proof.verify(leaves(600)[index], root(600))


def test_whole_tiles_pass() -> None:
    """The tiles as they were written are those of the root, and of no other."""
    check_tiles(600, root(600), STORED.__getitem__)
    with pytest.raises(TileError, match="another root"):
        check_tiles(600, root(599), STORED.__getitem__)


@given(st.data())
def test_no_altered_bundle_passes_for_its_tile(data: st.DataObject) -> None:
    """A flipped byte of a bundle breaks its shape or an entry's hash."""
    bundle = format_bundle(entries(44))
    at = data.draw(st.integers(0, len(bundle) - 1))
    altered = flipped(bundle, at, data.draw(st.integers(1, 255)))
    try:
        held = parse_bundle(altered, 44)
    except TileError:
        return
    assert tuple(leaf_hash(each) for each in held) != leaves(44)
