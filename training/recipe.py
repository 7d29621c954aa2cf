"""How a network is fitted: what a user may choose, and what is chosen for whoever does not."""

from dataclasses import dataclass, field

from training.augment import Augmentation


@dataclass(frozen=True)
class Phase:
    """So many epochs on pictures of this size."""

    size_px: int
    epochs: int


@dataclass(frozen=True)
class Recipe:
    """How a network is fitted.

    Attributes:
        phases: the last one has the size that the network is used at.
        batch: images a step.
        least_images: an epoch draws as many images as there are, but at least so many.
        learning_rate: at its peak, after a tenth of the steps; AdamW, decays to nearly nothing.
        weight_decay: of AdamW.
        label_smoothing: share of the target that is spread over all classes.
        augmentation: of the pictures that it is fitted to; none is mirrored where a class is another's mirror
            image.
    """

    phases: tuple[Phase, ...] = (Phase(64, 5), Phase(96, 3))
    batch: int = 32
    least_images: int = 2000
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    label_smoothing: float = 0.1
    augmentation: Augmentation = field(default_factory=Augmentation)

    @classmethod
    def of_epochs(cls, epochs: int) -> "Recipe":
        """The usual recipe with so many epochs, at least 1, shared out to its phases in proportion."""
        usual = cls()
        last = max(1, round(epochs * usual.phases[-1].epochs / usual.epochs))
        first = Phase(usual.phases[0].size_px, epochs - last)
        phases = (first, Phase(usual.size_px, last)) if first.epochs else (Phase(usual.size_px, last),)
        return cls(phases=phases)

    @property
    def size_px(self) -> int:
        """Side of the network's input."""
        return self.phases[-1].size_px

    @property
    def epochs(self) -> int:
        """Of all phases."""
        return sum(phase.epochs for phase in self.phases)

    def batches(self, images: int) -> int:
        """Steps of an epoch over so many images."""
        return -(-max(images, self.least_images) // self.batch)

    def steps(self, images: int) -> int:
        """Of all epochs."""
        return self.epochs * self.batches(images)

    def work(self, images: int) -> float:
        """Pixels that pass through the network: what time is estimated by."""
        return float(sum(phase.epochs * phase.size_px**2 for phase in self.phases) * self.batches(images))
