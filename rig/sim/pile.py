"""A mixed pile in the simulated feeder, as `[sim.pile]` describes it: drawn by seed, without an end."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from rig.catalog import COLOURS, ColourCode, PartNumber
from rig.devices.operator import PieceKind, Truth
from rig.errors import BadInput
from rig.pile_config import PileConfig
from rig.sim.drop import drop
from rig.sim.part_library import PartLibrary
from rig.sim.parts import PARTS
from rig.sim.passages import Feed, LyingPart
from rig.sim.pieces import STUCK, Damage, Joint, Piece
from rig.sim.poses import RestingPose

# From the table's middle; the picture ends some 50 mm from it on one side or another.
_ASTRAY_MM = 44.0

_Kind = TypeVar("_Kind", PartNumber, ColourCode)


def draw_pile(
    parts: tuple[PartNumber, ...],
    config: PileConfig,
    library: PartLibrary,
    rng: np.random.Generator,
    mishap_rng: np.random.Generator,
) -> Iterator[Feed]:
    """An endless pile.

    Args:
        parts: what whoever sorts it expects in it.
        rng: draws part, colour and how it lies.
        mishap_rng: draws all that `config` has go wrong; without that, the pile is the same as ever.

    Raises:
        BadInput: the pile is to hold a part or colour that the library does not have, or foreign parts where
            there are none.
    """
    weights = config.parts or dict.fromkeys(parts, 1.0)
    colours = config.colours or dict.fromkeys(COLOURS, 1.0)
    foreign = config.foreign_parts or tuple(part for part in PARTS if part not in parts)
    if config.foreign and not foreign:
        raise BadInput(
            "the pile is to hold foreign parts, but the model knows all that the simulator has",
            hint="name some in foreign_parts in [sim.pile], with an LDraw library in [sim]",
        )
    for part in (*weights, *(foreign if config.foreign else ())):
        library.require(part)
    for colour in colours:
        library.plastics.of(colour)
    return _feeds(weights, colours, foreign, config, library, rng, mishap_rng)


def draw_colour(rng: np.random.Generator) -> ColourCode:
    """One of the common colours."""
    return _one_of(dict.fromkeys(COLOURS, 1.0), rng)


def truth_of(piece: Piece, expected: Collection[PartNumber]) -> Truth:
    """What a piece is to somebody who expects some parts."""
    kind: PieceKind = "sound"
    if piece.joint is not None:
        kind = "stuck" if piece.joint in STUCK else "double"
    elif expected and piece.parts[0] not in expected:
        kind = "foreign"
    elif piece.damage is not None:
        kind = "damaged"
    return Truth("+".join(piece.parts), kind)


def _feeds(
    weights: Mapping[PartNumber, float],
    colours: Mapping[ColourCode, float],
    foreign: tuple[PartNumber, ...],
    config: PileConfig,
    library: PartLibrary,
    rng: np.random.Generator,
    mishap_rng: np.random.Generator,
) -> Iterator[Feed]:
    while True:
        part, colour = _one_of(weights, rng), _one_of(colours, rng)
        piece = _mishap(part, weights, foreign, config, mishap_rng)
        poses = library.poses(piece.number)
        feed = Feed(
            drop(piece.number, colour, rng, poses, _sides(piece, poses)),
            delay_s=_delay_s(config, mishap_rng),
            withstands=int(mishap_rng.geometric(1 - config.stays)) - 1,
            bounces=bool(mishap_rng.random() < config.bounces),
        )
        # Nothing is drawn for what is not ordered, so that other piles stay as they are.
        if config.astray and mishap_rng.random() < config.astray:
            feed = replace(feed, lying=_rolled_aside(feed.lying, mishap_rng))
        yield feed


def _sides(piece: Piece, poses: Sequence[RestingPose]) -> Collection[int]:
    """All; but two parts that lie apart stand each on its own, as only the upright side has it."""
    if piece.joint is not Joint.APART:
        return range(len(poses))
    return [min(range(len(poses)), key=lambda side: poses[side].down[2])]


def _rolled_aside(lying: LyingPart, rng: np.random.Generator) -> LyingPart:
    way = rng.uniform(0, 2 * np.pi)
    return replace(lying, offset_mm=(float(_ASTRAY_MM * np.cos(way)), float(_ASTRAY_MM * np.sin(way))))


def _mishap(
    part: PartNumber,
    weights: Mapping[PartNumber, float],
    foreign: tuple[PartNumber, ...],
    config: PileConfig,
    rng: np.random.Generator,
) -> Piece:
    """The part, or what comes in its place."""
    luck = rng.random()
    if luck < config.damaged:
        return Piece((part,), damage=list(Damage)[rng.integers(len(Damage))])
    luck -= config.damaged
    if luck < config.foreign:
        return Piece((foreign[rng.integers(len(foreign))],))
    luck -= config.foreign
    if luck < config.stuck:
        return Piece((part, _one_of(weights, rng)), joint=STUCK[rng.integers(len(STUCK))])
    luck -= config.stuck
    if luck < config.double:
        return Piece((part, _one_of(weights, rng)), joint=Joint.APART)
    return Piece((part,))


def _delay_s(config: PileConfig, rng: np.random.Generator) -> float:
    late_s = rng.exponential(config.gap_spread_s)
    return float(late_s + (config.jam_s if rng.random() < config.jams else 0.0))


def _one_of(weights: Mapping[_Kind, float], rng: np.random.Generator) -> _Kind:
    """One of some things, as likely as its weight says."""
    things = tuple(weights)
    if len(set(weights.values())) == 1:
        return things[rng.integers(len(things))]
    shares = np.array(list(weights.values()))
    return things[rng.choice(len(things), p=shares / shares.sum())]
