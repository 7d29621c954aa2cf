"""How a network is fitted: what a user may choose, and what is chosen for whoever does not."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import accumulate

from rig.contrast import Contrast
from training.choices.augmentation import Augmentation, name_of
from training.choices.names import RESIDUAL_CNN, own_name, takes_any_size
from training.choices.origin import Weights
from training.choices.schedules import ScheduleName


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
    """So many epochs on pictures of this size.

    Attributes:
        thawed: share of the layers before the head, from their end, that are fitted too, 0 to 1; the rest
            stays as it is, and so does all batch normalisation. None: everything is fitted.
        rate: what the schedule's learning rate is multiplied by.
    """

    size_px: int
    epochs: int
    thawed: float | None = None
    rate: float = 1.0

    def __str__(self) -> str:
        fitted = "" if self.thawed is None else f", the head and {self.thawed:.0%} of the layers before it"
        return f"{self.epochs} at {self.size_px} px{fitted}"


THAWED = 0.3
"""Share of the layers that are fitted after the head, where none is asked for."""

_FROZEN_SHARE = 3 / 8
_THAWED_RATE = 0.1


@dataclass(frozen=True)
class Recipe:
    """How a network is fitted.

    Attributes:
        network: its name; see `training.networks.begin`.
        weights: what it begins with; None: with random numbers.
        logistic: nothing but the head is fitted, to the features of each picture as it is, in one go.
        contrast: of the network's input.
        crops: the network sees the part and a margin around it; else the whole picture.
        phases: the last one has the size that the network is used at. All have it where the network takes one
            size only.
        batch: images a step.
        least_images: an epoch draws as many images as there are, but at least so many.
        learning_rate: at its peak; None: what is usual for the optimizer.
        weight_decay: of AdamW.
        label_smoothing: share of the target that is spread over all classes.
        mixing: share of the pictures that another one shines through, 0 to 1.
        augmentation: of the pictures that it is fitted to; none is mirrored where a class is another's mirror
            image.
        patience: the last phase ends once the validation loss has not fallen for so many epochs; None: never.
    """

    network: str = RESIDUAL_CNN
    weights: Weights | None = None
    logistic: bool = False
    contrast: Contrast = Contrast.LOCAL
    crops: bool = True
    phases: tuple[Phase, ...] = (Phase(64, 5), Phase(96, 3))
    batch: int = 32
    least_images: int = 2000
    optimizer: OptimizerName = OptimizerName.ADAMW
    schedule: ScheduleName = ScheduleName.COSINE
    learning_rate: float | None = None
    weight_decay: float = 1e-2
    label_smoothing: float = 0.1
    mixing: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    balance: Balance = Balance.SAMPLER
    patience: int | None = None

    def __post_init__(self) -> None:
        if not takes_any_size(self.network) and {phase.size_px for phase in self.phases} != {self.size_px}:
            raise ValueError(f"{self.network} takes pictures of one size: see Recipe.with_network")

    def with_epochs(self, epochs: int) -> "Recipe":
        """The same with so many epochs, at least 1, shared out to its first and last phase in proportion."""
        last = max(1, round(epochs * self.phases[-1].epochs / self.epochs))
        phases = (
            replace(self.phases[0], epochs=epochs - last),
            replace(self.phases[-1], epochs=last),
        )
        return replace(self, phases=tuple(phase for phase in phases if phase.epochs))

    def with_size(self, size_px: int) -> "Recipe":
        """The same for an input of so many pixels, and its earlier phases in proportion, in steps of 8."""

        def scaled(phase: Phase) -> Phase:
            share = phase.size_px / self.size_px
            return replace(phase, size_px=size_px if share == 1 else max(16, 8 * round(share * size_px / 8)))

        return replace(self, phases=tuple(map(scaled, self.phases)))

    def with_network(self, name: str) -> "Recipe":
        """The same for another network, at full size all along if it takes one size only."""
        name = own_name(name) or name
        at_full_size = (Phase(self.size_px, self.epochs),)
        phases = self.phases if takes_any_size(name) else at_full_size
        return replace(self, network=name, phases=phases)

    def with_transfer(
        self, weights: Weights, *, frozen_epochs: int | None = None, thawed: float = THAWED
    ) -> "Recipe":
        """The same from these weights: first a head for them, then the last layers at a tenth of the rate.

        Args:
            frozen_epochs: in which only the head is fitted, out of all; None: three eighths of them, at most
                all but one.
            thawed: share of the layers before the head, from their end, that are fitted after that.
        """
        usual = min(max(1, round(_FROZEN_SHARE * self.epochs)), self.epochs - 1)
        frozen = min(usual if frozen_epochs is None else frozen_epochs, self.epochs)
        if not thawed:
            frozen = self.epochs
        phases = (
            Phase(self.size_px, frozen, thawed=0.0),
            Phase(self.size_px, self.epochs - frozen, thawed=thawed, rate=_THAWED_RATE),
        )
        return replace(self, weights=weights, phases=tuple(phase for phase in phases if phase.epochs))

    def with_logistic_head(self, weights: Weights) -> "Recipe":
        """The same, but with these weights as they are, and a logistic regression on their features."""
        return replace(self, weights=weights, logistic=True, phases=(Phase(self.size_px, 1, thawed=0.0),))

    def phase_of(self, epoch: int) -> Phase:
        """The phase of an epoch, from 1."""
        last = accumulate(phase.epochs for phase in self.phases)
        return next(phase for phase, end in zip(self.phases, last, strict=True) if epoch <= end)

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

    def in_words(self, labels: Iterable[str]) -> dict[str, str]:
        """What was chosen to tell these classes apart; what a card says elsewhere is left out."""
        balance = {"balance": self.balance.value}
        if self.logistic:
            return {"fitted": "a logistic regression on features", **balance}
        decay = f", decay {self.weight_decay:g}" if self.optimizer is OptimizerName.ADAMW else ""
        return {
            "epochs": ", ".join(map(str, self.phases)),
            "batch": f"{self.batch} pictures",
            "optimizer": f"{self.optimizer.value}, rate {self.peak_rate:g}{decay}",
            "schedule": self.schedule.value,
            "label smoothing": f"{self.label_smoothing:g}",
            "mixing": f"{self.mixing:g}",
            **balance,
            "augmentation": name_of(self.augmentation.for_classes(labels)),
            "patience": "none" if self.patience is None else f"{self.patience} epochs",
        }

    def is_in_last_phase(self, epoch: int) -> bool:
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
