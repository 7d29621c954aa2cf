"""A mixed pile in the simulated feeder, as `[sim.pile]` describes it: drawn by seed, without an end."""

from collections.abc import Collection, Iterator, Mapping
from typing import TypeVar

import numpy as np

from rig.catalog import COLOURS, ColourCode, PartNumber
from rig.devices.operator import PieceKind, Truth
from rig.errors import BadInput
from rig.pile_config import PileConfig
from rig.sim.drop import drop
from rig.sim.part_library import PartLibrary
from rig.sim.parts import PARTS
from rig.sim.pieces import Damage, Joint, Piece
from rig.sim.world import Feed

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
        kind = "stuck"
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
        number = _mishap(part, weights, foreign, config, mishap_rng).number
        poses = library.poses(number)
        yield Feed(
            drop(number, colour, rng, poses, range(len(poses))),
            delay_s=_delay_s(config, mishap_rng),
            withstands=int(mishap_rng.geometric(1 - config.stays)) - 1,
            bounces=bool(mishap_rng.random() < config.bounces),
        )


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
        return Piece((part, _one_of(weights, rng)), joint=list(Joint)[rng.integers(len(Joint))])
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
