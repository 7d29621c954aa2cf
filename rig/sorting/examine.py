"""Looking at a part that lies still until it is known what it is, or that it cannot be told."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rig.camera.frame import Developed, Image, Latent
from rig.devices.axis import Microsteps
from rig.machine import Machine
from rig.sorting.evidence import Decision, decide
from rig.sorting.policy import Policy
from rig.sorting.view import View
from rig.sorting.watch import Sight
from rig.vision.classifier import Classification, Classifier
from rig.vision.locate import Box, reaches_border
from rig.vision.table import distance_from_middle, is_dark

# A part keeps its distance from the middle of the table while it turns with it, here in units of the table's
# radius. The box of a tall part swings about where it stands: by up to 0.35 on 3,300 renders.
_STRAYS_FROM = 0.45


@dataclass(frozen=True)
class Examination:
    """What was seen of a part, and what it was taken for.

    Attributes:
        decision: from all views together.
        views: in the order in which they were taken, at least one.
    """

    decision: Decision
    views: tuple[View, ...]


@dataclass(frozen=True)
class Strayed:
    """The part was not seen to come round with the table: nobody knows what two looks would be of.

    Attributes:
        how: what became of it, a sentence without a full stop.
    """

    how: str


@dataclass(frozen=True)
class Examiner:
    """Looks at parts with a machine and a model.

    Attributes:
        turn_deg: of the table from one look to the next.
    """

    machine: Machine
    classifier: Classifier
    policy: Policy
    turn_deg: float

    def examine(self, sight: Sight, *, once: bool = False) -> Examination | Strayed:
        """Look at a part that lies still, turn the table and look again, until it is decided.

        While the table turns, the picture before is encoded. Where another look is needed nearly always,
        the table does not wait for the last one to be developed, found and classified.

        Args:
            once: decide by the first look.

        Raises:
            DeviceError: a device failed.
        """
        most_looks = 1 if once else self.policy.most_looks
        first = self.machine.turntable.position
        views: list[View] = []
        looks: list[Classification] = []
        latent: Latent | None = Developed(sight.frame)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="examine") as worker:
            while True:
                latent = latent or self._expose(first, len(views))
                angle_deg = self.machine.turntable.angle_deg
                seeing = worker.submit(self._see, latent)
                ahead = len(views) + 1 < most_looks and self.policy.turns_early(len(views) + 1)
                latent = self._expose(first, len(views) + 1) if ahead else None
                image, look = seeing.result()
                box = look.box
                if views and (strayed := self._strayed(views[0], image, box)):
                    return strayed
                views.append(View(image, box or sight.box, angle_deg, look.top(1)[0]))
                looks.append(look)
                decision = decide(looks, self.policy, most_looks=most_looks)
                if decision is not None:
                    return Examination(decision, tuple(views))
                worker.submit(getattr, views[-1], "jpeg")

    def _expose(self, first: Microsteps, turns: int) -> Latent:
        """Turn the table so many times on from where the first look was, and expose."""
        turntable = self.machine.turntable
        position = Microsteps(first + turntable.nearest(turns * self.turn_deg))
        return self.machine.expose_from(position).latent

    def _see(self, latent: Latent) -> tuple[Image, Classification]:
        image = latent.develop().image
        return image, self.classifier.classify(image)

    def _strayed(self, first: View, image: Image, box: Box | None) -> Strayed | None:
        """What is wrong with where a part is after a turn, if anything is."""
        if is_dark(image, self.machine.empty_table):
            return Strayed("the table has gone dark while that turned")
        if box is None:
            return Strayed("the part is no longer in view")
        if reaches_border(box, image):
            return Strayed("the part is no longer wholly in view")
        spots = (first.image, *first.box.middle), (image, *box.middle)
        was, now = (distance_from_middle(*spot) for spot in spots)
        if abs(now - was) > _STRAYS_FROM:
            return Strayed("the part has moved on the table while that turned")
        return None
