"""How a network is fitted: what a user may choose, and what is chosen for whoever does not."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from rig.model import Contrast
from training.augmentation import Augmentation
from training.schedules import ScheduleName


class OptimizerName(StrEnum):
    """What turns gradients into steps."""

    SGD = "sgd"
    ADAM = "adam"
    ADAMW = "adamw"
    ADADELTA = "adadelta"
    ADAGRAD = "adagrad"
    RMSPROP = "rmsprop"


class Balance(StrEnum):
    """What keeps a class with many pictures from counting for more than one with few.

    The sampler draws every class equally often; the loss weighs a picture by how rare its class is. Both
    together favour rare classes over common ones.
    """

    SAMPLER = "sampler"
    LOSS = "loss"
    BOTH = "both"
    NONE = "none"

    @property
    def by_sampler(self) -> bool:
        """Whether each class is drawn equally often."""
        return self in (Balance.SAMPLER, Balance.BOTH)

    @property
    def by_loss(self) -> bool:
        """Whether pictures are weighed by the rarity of their class."""
        return self in (Balance.LOSS, Balance.BOTH)


USUAL_RATES = {
    OptimizerName.SGD: 0.05,
    OptimizerName.ADAM: 3e-3,
    OptimizerName.ADAMW: 3e-3,
    OptimizerName.ADADELTA: 1.0,
    OptimizerName.ADAGRAD: 0.03,
    OptimizerName.RMSPROP: 1e-3,
}
"""The learning rate of each optimizer where none is asked for."""


@dataclass(frozen=True)
class Phase:
    """So many epochs on pictures of this size."""

    size_px: int
    epochs: int


@dataclass(frozen=True)
class Recipe:
    """How a network is fitted.

    Attributes:
        contrast: of the network's input.
        phases: the last one has the size that the network is used at.
        batch: images a step.
        least_images: an epoch draws as many images as there are, but at least so many.
        learning_rate: at its peak; None: what is usual for the optimizer.
        weight_decay: of AdamW.
        label_smoothing: share of the target that is spread over all classes.
        augmentation: of the pictures that it is fitted to; none is mirrored where a class is another's mirror
            image.
        patience: the last phase ends once the validation loss has not fallen for so many epochs; None: never.
    """

    contrast: Contrast = Contrast.LOCAL
    phases: tuple[Phase, ...] = (Phase(64, 5), Phase(96, 3))
    batch: int = 32
    least_images: int = 2000
    optimizer: OptimizerName = OptimizerName.ADAMW
    schedule: ScheduleName = ScheduleName.COSINE
    learning_rate: float | None = None
    weight_decay: float = 1e-2
    label_smoothing: float = 0.1
    augmentation: Augmentation = field(default_factory=Augmentation)
    balance: Balance = Balance.SAMPLER
    patience: int | None = None

    def with_epochs(self, epochs: int) -> "Recipe":
        """The same with so many epochs, at least 1, shared out to its first and last phase in proportion."""
        last = max(1, round(epochs * self.phases[-1].epochs / self.epochs))
        first = Phase(self.phases[0].size_px, epochs - last)
        phases = (first, Phase(self.size_px, last)) if first.epochs else (Phase(self.size_px, last),)
        return replace(self, phases=phases)

    @property
    def peak_rate(self) -> float:
        """The highest learning rate."""
        return USUAL_RATES[self.optimizer] if self.learning_rate is None else self.learning_rate

    @property
    def size_px(self) -> int:
        """Side of the network's input."""
        return self.phases[-1].size_px

    @property
    def epochs(self) -> int:
        """Of all phases."""
        return sum(phase.epochs for phase in self.phases)

    @property
    def warm_up_epochs(self) -> int:
        """In which a network need not have learnt anything yet: a tenth of all, rounded up."""
        return -(-self.epochs // 10)

    def is_at_full_size(self, epoch: int) -> bool:
        """Whether an epoch, from 1, is one of the last phase: only then are weights kept."""
        return epoch > self.epochs - self.phases[-1].epochs

    def batches(self, images: int) -> int:
        """Steps of an epoch over so many images."""
        return -(-max(images, self.least_images) // self.batch)

    def steps(self, images: int) -> int:
        """Of all epochs."""
        return self.epochs * self.batches(images)

    def work(self, images: int) -> float:
        """Pixels that pass through the network: what time is estimated by."""
        return float(sum(phase.epochs * phase.size_px**2 for phase in self.phases) * self.batches(images))
