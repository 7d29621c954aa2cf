"""Sorting mode: see a part, classify it, put the decision on record, push it into its bin, see it go."""

import shlex
from collections.abc import Generator, Sequence

from rig.bin_config import BinConfig
from rig.camera.frame import Image
from rig.errors import CameraError, DeviceError, MarlinReset, MarlinTimeout, SerialPortError
from rig.machine import Machine
from rig.sorting.dropping import push_off
from rig.sorting.events import PartAstray, PartReturned, PartSorted, PartStrayed, PileEmpty, SortEvent
from rig.sorting.evidence import Decision, Doubt, unclassified
from rig.sorting.examine import Examination, Examiner, Strayed
from rig.sorting.ledger import Ledger, PartOutcome, RowId, RunId, now
from rig.sorting.looking import await_camera, look, look_at
from rig.sorting.model_in_use import ModelInUse
from rig.sorting.recording import ColourOnRecord, Records
from rig.sorting.routing import Routing
from rig.sorting.standstill import Standstill
from rig.sorting.trouble import TroubleKind, TroubleOver, Troubles, Waits
from rig.sorting.view import View
from rig.sorting.watch import Sight, await_sight, see_whole
from rig.sorting_config import SortingConfig
from rig.vision.apart import lie_apart
from rig.vision.colour import estimate
from rig.vision.locate import locate, locate_all
from rig.vision.stillness import agree

_Sorting = Generator[SortEvent, None, SortEvent | None]

# After these the board may be there again in a moment; a board that was halted wants a person.
_LOSSES = (SerialPortError, MarlinReset, MarlinTimeout)
# A supply that gives way whenever a servo starts does so again.
_MOST_LOSSES_PER_PART = 3
# A part that rolls whenever the table turns, or a camera that fails then, leaves what one look shows.
_MOST_TURNS_ASTRAY = 3


class Sorter:
    """A machine with a model and bins, ready for one run.

    Args:
        troubles: of the run, those before its first part included.
    """

    def __init__(
        self,
        machine: Machine,
        model: ModelInUse,
        routing: Routing,
        rules: SortingConfig,
        ledger: Ledger,
        run: RunId,
        troubles: Troubles,
    ) -> None:
        self._machine = machine
        self._model = model
        self._routing = routing
        self._rules = rules
        self._ledger = ledger
        self._records = Records(ledger, run)
        self._troubles = troubles
        self._standstill = Standstill(troubles)
        self._losses = 0
        self._strays = 0

    def sort(self, count: int) -> Generator[SortEvent, None, None]:
        """Sort up to `count` parts; what fails and may come back is waited for.

        Raises:
            DeviceError: a device failed; what was decided so far is in the ledger.
            StorageError: a decision could not be stored; its part is not moved.
            BadInput: somebody has to see to the machine, and nobody can be asked.
        """
        done = 0
        while done < count:
            try:
                event = yield from self._next(done + 1, count)
            except _LOSSES as loss:
                yield from self._await_board(loss)
                continue
            if event is None:
                continue
            self._strays = 0
            if isinstance(event, PartSorted | PartReturned):
                self._losses = 0
            yield event
            if isinstance(event, PileEmpty):
                return
            done += isinstance(event, PartSorted)

    def _next(self, place: int, count: int) -> _Sorting:
        """What became of the next part; None when it has to be looked at anew.

        Whatever ends it, the ledger says what became of a part that is on record.
        """
        try:
            return (yield from self._attend_to(place, count))
        except BaseException as stop:
            self._records.leave_unfinished(stop)
            raise

    def _attend_to(self, place: int, count: int) -> _Sorting:
        if (news := self._model.refresh()) is not None:
            yield news
        clock = self._machine.clock
        began_s = clock.monotonic()
        sight = yield from await_sight(self._machine, self._rules.wait_for_part_s, self._troubles)
        if sight is None:
            return PileEmpty(clock.monotonic() - began_s)
        seen_at = now()
        if sight.doubt is Doubt.CUT_OFF:
            sight = yield from see_whole(self._machine, sight, self._troubles)
        if sight.doubt is not None:
            return (yield from self._return([sight.view], sight.doubt, seen_at))
        seen = yield from self._examine(sight)
        if isinstance(seen, Strayed):
            return (yield from self._after_straying(sight, seen, seen_at))
        if isinstance(seen, Examination):
            return (yield from self._sort(seen, seen_at, place, count))
        return None

    def _examine(self, sight: Sight) -> Waits[Examination | Strayed | None]:
        """None when the camera failed meanwhile."""
        model = self._model.now
        examiner = Examiner(self._machine, model.classifier, model.policy, self._rules.look_turn_deg)
        try:
            return examiner.examine(sight, once=self._strays >= _MOST_TURNS_ASTRAY)
        except CameraError as failure:
            self._strays += 1
            yield from await_camera(self._machine, self._troubles, failure)
            return None

    def _sort(
        self, seen: Examination, seen_at: str, place: int, count: int
    ) -> Generator[SortEvent, None, SortEvent]:
        # Things that lie one behind the other pass for one part from there, but not from all sides.
        if any(self._shows_several(view) for view in seen.views[1:]):
            return (yield from self._return(seen.views, Doubt.SEVERAL, seen_at))
        yield from self._standstill.watch(seen.views)
        first, part = seen.views[0], seen.decision.part
        colour = self._colour_of(first)
        target = self._routing.bin_for(part, colour.code, self._full_bins())
        row = self._record(seen.decision, seen.views, target, seen_at, colour)
        outcome = yield from self._deliver(row, target, seen.views[-1])
        if outcome != "dropped":
            return PartAstray(row, outcome, target.name)
        self._routing.took(part, colour.code, target)
        return PartSorted(row, seen.decision, target.name, first.image, first.box, place, count)

    def _shows_several(self, view: View) -> bool:
        empty = self._machine.empty_table
        return len(locate_all(view.image, empty)) > 1 or lie_apart(view.image, empty)

    def _colour_of(self, view: View) -> ColourOnRecord:
        guess = estimate(view.image, view.box, self._machine.empty_table)
        if guess is None:
            return ColourOnRecord()
        is_sure = guess.probability >= self._rules.colour_threshold
        return ColourOnRecord(guess.code if is_sure else None, guess.probability)

    def _full_bins(self) -> frozenset[str]:
        return frozenset(bin_.name for bin_ in self._routing.bins if self._is_full(bin_))

    def _is_full(self, bin_: BinConfig) -> bool:
        return bin_.capacity is not None and self._ledger.level(bin_.name) >= bin_.capacity

    def _return(
        self, views: Sequence[View], doubt: Doubt, seen_at: str
    ) -> Generator[SortEvent, None, SortEvent]:
        """What is not one whole part is never classified."""
        target = self._routing.return_bin
        row = self._record(unclassified(doubt), views, target, seen_at)
        outcome = yield from self._deliver(row, target, views[-1])
        if outcome != "dropped":
            return PartAstray(row, outcome, target.name)
        return PartReturned(row, doubt, target.name)

    def _after_straying(self, sight: Sight, strayed: Strayed, seen_at: str) -> _Sorting:
        """A part that fell off while the table turned is lost; one that only rolled is looked at anew.

        So is one that is where it was once the table has turned back: it had only gone out of view.
        """
        frame = yield from look(self._machine, self._troubles)
        is_there = locate(frame.image, self._machine.empty_table) is not None
        if not is_there:
            frame = yield from look_at(self._machine, sight.angle_deg, self._troubles)
            is_there = agree(sight.frame.image, frame.image)
        if is_there:
            self._strays += 1
            yield PartStrayed(strayed.how)
            return None
        target = self._routing.return_bin
        row = self._record(unclassified(Doubt.GONE), [sight.view], target, seen_at)
        self._records.end(row, "lost")
        return PartAstray(row, "lost", None)

    def _record(
        self,
        decision: Decision,
        views: Sequence[View],
        target: BinConfig,
        seen_at: str,
        colour: ColourOnRecord = ColourOnRecord(),  # noqa: B008  (it never changes)
    ) -> RowId:
        """Nothing is moved before this."""
        model, truth = self._model.now.bundle.name, self._machine.operator.truth()
        return self._records.begin(
            model, decision, views, target, seen_at=seen_at, truth=truth, colour=colour
        )

    def _deliver(self, row: RowId, target: BinConfig, last: View) -> Waits[PartOutcome]:
        """Bring a part that is on record, and was looked at last in `last`, into its bin."""
        yield from self._await_room(target)
        lies = last.image
        if self._machine.turntable.angle_deg != last.angle_deg:
            # It turned on for another look, which was not needed or did not help.
            lies = (yield from look(self._machine, self._troubles)).image
        outcome = yield from self._push_off(target, lies)
        self._records.end(row, outcome)
        return outcome

    def _push_off(self, target: BinConfig, lies: Image) -> Waits[PartOutcome]:
        table = self._machine.turntable
        stands_deg = table.angle_deg
        try:
            return (yield from push_off(self._machine, target, lies, self._rules.pushes, self._troubles))
        except _LOSSES as loss:
            yield from self._await_board(loss)
        # Was that before the push, or after it? What lies there now is looked at anew.
        where_deg = stands_deg if table.has_home else table.angle_deg
        frame = yield from look_at(self._machine, where_deg, self._troubles)
        return "stayed" if agree(lies, frame.image) else "lost"

    def _await_room(self, target: BinConfig) -> Waits[None]:
        if not self._is_full(target):
            return
        yield self._troubles.begin(
            TroubleKind.FULL_BIN,
            f"Bin {target.name} is full (its capacity is {target.capacity})",
            f"empty it, now or before you go on with: rig sort --emptied {shlex.quote(target.name)}",
            wants_a_person=True,
        )
        self._machine.operator.empty_bin(target.name)
        self._ledger.emptied(target.name)
        yield TroubleOver(TroubleKind.FULL_BIN)

    def _await_board(self, loss: DeviceError) -> Waits[None]:
        self._losses += 1
        if self._losses >= _MOST_LOSSES_PER_PART:
            raise loss
        yield self._troubles.begin(
            TroubleKind.BOARD, f"Waiting for the board ({loss.what})", "see to its cable and supply"
        )
        try:
            self._machine.reconnect()
        except DeviceError:
            # Whoever waited with a part in hand raises it further: nobody waits a second time.
            self._losses = _MOST_LOSSES_PER_PART
            raise
        yield TroubleOver(TroubleKind.BOARD)
