"""Trees, keys and folders of tiles for tests of the log."""

from collections.abc import Iterable, Sequence
from functools import cache

from service.adapters.signer import Ed25519Signer, verify_ed25519
from service.core.checkpoint import Checkpoint
from service.core.merkle import CompactRange, Node, leaf_hash, node_hash, tree_root
from service.core.note import VerifierKey
from service.core.proof import prove_inclusion
from service.core.tiles import Tile, bundles_of, format_bundle, format_hashes, grown_tiles
from service.core.tlog_proof import TlogProof

ORIGIN = "log.example/remit"
SIGNER = Ed25519Signer(ORIGIN, bytes(range(32)))
OTHER = Ed25519Signer("log.example/other", bytes(range(1, 33)))
KEYS: tuple[VerifierKey, ...] = (SIGNER.verifier_key,)
VERIFY = verify_ed25519


def entry(index: int) -> bytes:
    """An entry that no other index has."""
    return f'{{"entry":{index}}}'.encode()


def entries(size: int) -> tuple[bytes, ...]:
    return tuple(entry(index) for index in range(size))


@cache
def leaves(size: int) -> tuple[bytes, ...]:
    """The leaf hashes of the first entries."""
    return tuple(leaf_hash(entry(index)) for index in range(size))


@cache
def root(size: int) -> bytes:
    return tree_root(leaves(size))


def naive_root(hashes: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word, over one leaf hash or more."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return node_hash(naive_root(hashes[:k]), naive_root(hashes[k:]))


def node_of(hashes: Sequence[bytes]) -> Node:
    """The subtrees over leaf hashes, each computed once."""

    @cache
    def node(level: int, index: int) -> bytes:
        if level == 0:
            return hashes[index]
        return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    return node


@cache
def checkpoint(size: int) -> bytes:
    """The signed checkpoint of the first entries."""
    unsigned = Checkpoint(origin=ORIGIN, size=size, root=root(size))
    return unsigned.signed(SIGNER.verifier_key, SIGNER.sign)


def receipt(index: int, size: int) -> TlogProof:
    proof = prove_inclusion(index, size, node_of(leaves(size)))
    return TlogProof(index=index, hashes=proof.hashes, checkpoint=checkpoint(size))


def grow(tiles: dict[Tile, bytes], size: int, added: Iterable[bytes]) -> None:
    """Append leaf hashes to the tiles of a tree of ``size`` leaves, keeping every partial one."""
    tiles.update(
        (tile, format_hashes(hashes))
        for tile, hashes in grown_tiles(size, added, tiles.__getitem__)
    )


def tiles(size: int) -> dict[Tile, bytes]:
    """The tiles that a log of the first entries serves."""
    grown: dict[Tile, bytes] = {}
    grow(grown, 0, leaves(size))
    return grown


def files(size: int) -> dict[str, bytes]:
    """Everything that a log of the first entries serves, by path."""
    served = {tile.path: data for tile, data in tiles(size).items()}
    for bundle in bundles_of(size):
        begin = bundle.index * 256
        held = [entry(index) for index in range(begin, begin + bundle.width)]
        served[bundle.path] = format_bundle(held)
    return served | {"checkpoint": checkpoint(size)}


def flipped(data: bytes, at: int, bits: int) -> bytes:
    """The same bytes but one, in which some bits (1 to 255) are turned."""
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


def ranges(size: int) -> CompactRange:
    return CompactRange().extended(leaves(size))
