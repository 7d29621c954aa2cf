"""Notice a table that no longer turns: parts look the same after each turn of it."""

from collections.abc import Sequence

from rig.sorting.trouble import TroubleKind, TroubleOver, Troubles, Waits
from rig.sorting.view import View
from rig.vision.quality import TURNED, change

# Round parts look so as well, one by one.
_PARTS_ALIKE = 3


class Standstill:
    """Sees to it that somebody is told. Sorting goes on: all that suffers is what another look is worth.

    Args:
        troubles: of the run.
    """

    def __init__(self, troubles: Troubles) -> None:
        self._troubles = troubles
        self._alike = 0

    def watch(self, views: Sequence[View]) -> Waits[None]:
        """Compare the looks at a part between which the table was to turn.

        Raises:
            StorageError: it could not be put on record.
        """
        if len(views) < 2:
            return
        if any(_differ(views[0], view) for view in views[1:]):
            if self._alike >= _PARTS_ALIKE:
                yield TroubleOver(TroubleKind.TABLE)
            self._alike = 0
            return
        self._alike += 1
        if self._alike == _PARTS_ALIKE:
            yield self._troubles.begin(
                TroubleKind.TABLE,
                f"The last {_PARTS_ALIKE} parts that the table turned look as if it had stood still",
                "unless they are round, see to its motor and belt: rig doctor --motion",
                image=views[-1].image,
            )


def _differ(one: View, other: View) -> bool:
    return change((one.image, one.box), (other.image, other.box)) > TURNED
