"""The way of a part over the simulated table: out of the pile onto it, pushed, and off it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rig.catalog import ColourCode, PartNumber


@dataclass(frozen=True, slots=True)
class LyingPart:
    """A part as it lies on the table.

    Attributes:
        part: the mould.
        colour: LDraw colour code.
        pose: index into the mould's stable resting poses.
        offset_mm: x and y of its middle in the table's own turning frame.
        yaw_deg: its turn about the vertical in the table's frame.
    """

    part: PartNumber
    colour: ColourCode
    pose: int
    offset_mm: tuple[float, float]
    yaw_deg: float


@dataclass(frozen=True, slots=True)
class Feed:
    """A part that a feeder is about to lay on the table, and how it will behave there.

    Attributes:
        delay_s: what it comes later than the feeder's gap.
        withstands: how many pushes leave it where it lies.
        bounces: whether it springs out of whatever it falls into.
    """

    lying: LyingPart
    delay_s: float = 0.0
    withstands: int = 0
    bounces: bool = False


@dataclass(frozen=True, slots=True)
class FallenPart:
    """A part that left the table.

    Attributes:
        at_s: when it fell, or was blown off.
        chute_deg: where the chute pointed then; for a stepper, in degrees since power-on. None without chute.
        jet_pin: the output of the air jet that blew it off; None when a servo pushed it.
    """

    lying: LyingPart
    at_s: float
    chute_deg: float | None
    jet_pin: int | None


@dataclass(frozen=True, slots=True)
class Passage:
    """A part's way from the feeder over the table.

    Attributes:
        laid_s: when it came to lie on the table.
        pushes: how many sweeps or puffs of air it met.
        fallen: how it left; None while it lies there, or when a hand took it away.
    """

    feed: Feed
    laid_s: float
    pushes: int = 0
    fallen: FallenPart | None = None


class Supply:
    """A feeder with its pile, and the passages of what it has laid; whoever holds it locks it.

    Args:
        gap_s: how long it takes to lay the next part on an empty table, its way free.
        is_asked: whether each part has to be let go; if not, parts come by themselves.
        now_s: on the clock of all times here.

    Attributes:
        passages: since power-on, in order.
    """

    def __init__(self, gap_s: float, *, is_asked: bool, now_s: float) -> None:
        self.passages: list[Passage] = []
        self._gap_s = gap_s
        self._is_asked = is_asked
        self._released = 0
        self._free_since_s = now_s
        self._pile: Iterator[Feed] = iter(())
        self._next: Feed | None = None

    def pour(self, pile: Iterator[Feed], now_s: float) -> None:
        """Fill the feeder anew."""
        self._pile, self._next = pile, None
        self._released, self._free_since_s = 0, now_s

    def release(self, now_s: float) -> None:
        """Let the next part go: it comes after the gap, or once the table is empty."""
        self._released += 1
        self._free_since_s = now_s

    def make_way(self, now_s: float) -> None:
        """Nothing is in its way any more: its time begins."""
        self._free_since_s = now_s

    def lay(self, now_s: float) -> LyingPart | None:
        """The next part of the pile for the empty table, if its time has come."""
        if self._is_asked and not self._released:
            return None
        if self._next is None:
            self._next = next(self._pile, None)
        if self._next is None or now_s - self._free_since_s < self._gap_s + self._next.delay_s:
            return None
        feed, self._next = self._next, None
        self._released -= self._is_asked
        self.passages.append(Passage(feed, now_s))
        return feed.lying

    def push(self, fallen: FallenPart) -> bool:
        """The part on the table meets a push, and would fall so; whether it does, or withstands."""
        if not self.passages or self.passages[-1].feed.lying is not fallen.lying:
            return True  # a hand laid it there
        passage = self.passages[-1]
        leaves = passage.pushes >= passage.feed.withstands
        self.passages[-1] = replace(passage, pushes=passage.pushes + 1, fallen=fallen if leaves else None)
        return leaves
