"""The card of a model: how to use a network, and what is known of it (`model.json`)."""

from enum import StrEnum
from statistics import fmean
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from rig.contrast import Contrast
from rig.looks import Looks

Share = Annotated[float, Field(ge=0, le=1)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Preprocess(_Record):
    """How a picture becomes the network's input.

    Attributes:
        size_px: side of the square input.
        margin: added on each side of the part's box, as a share of the box's long side; None: the whole
            picture is shown.
        channels: the grey value or the three colours, and how much of the picture the part takes up.
        contrast: of these values.
    """

    size_px: int = Field(ge=16, le=1024)
    margin: float | None = Field(ge=0, le=2)
    contrast: Contrast = Contrast.LOCAL
    channels: Literal["grey+size", "bgr+size"] = Field(
        default_factory=lambda known: "bgr+size" if known.get("contrast") is Contrast.COLOUR else "grey+size"
    )

    @model_validator(mode="after")
    def _channels_are_those_of_the_contrast(self) -> "Preprocess":
        if (self.channels == "bgr+size") != (self.contrast is Contrast.COLOUR):
            raise ValueError(f"the input cannot be {self.channels} and {self.contrast.value}")
        return self


class ClassScore(_Record):
    """How well one class is recognised; `support` is the number of its images."""

    label: str
    precision: Share
    recall: Share
    f1: Share
    support: int = Field(ge=0)


class FoldScore(_Record):
    """What the network of one fold, counted from 1, scored on the parts that it has never seen."""

    fold: int = Field(ge=1)
    images: int = Field(gt=0)
    top1: Share


class LeakyScore(_Record):
    """What the same networks scored on pictures that a random split would test, of bricks that they know.

    Neighbours of these pictures trained: it says how well they remember.
    """

    images: int = Field(gt=0)
    top1: Share


class Scores(_Record):
    """What was measured, with the converted network, on images it was not fitted to.

    Attributes:
        how: which images, in words.
        images: how many; a picture that several folds have tested counts as often.
        top1: share of them that are named correctly; None when nothing could be held out.
        float_top1: the same at full precision, float32.
        classes: one row a class.
        folds: one row a fold, where there are any.
        leaky: beside them, how much a random split flatters; None where no picture could be withheld.
    """

    how: str
    images: int = Field(ge=0)
    top1: Share | None
    float_top1: Share | None
    classes: tuple[ClassScore, ...]
    folds: tuple[FoldScore, ...] = ()
    leaky: LeakyScore | None = None

    @property
    def by_fold(self) -> str | None:
        """Top-1 of each fold and their mean in words; None without folds."""
        if not self.folds:
            return None
        each = ", ".join(f"{100 * fold.top1:.1f}" for fold in self.folds)
        return f"{each} %, in the mean {100 * fmean(fold.top1 for fold in self.folds):.1f} %"


class Calibration(_Record):
    """Whether the probabilities mean what they say, and what the reject threshold does.

    Attributes:
        calibrated: temperature and threshold were fitted on images that the network had not seen.
        how: on which images, in words.
        accepted: share of those images above the reject threshold.
        accepted_top1: share of the accepted that are named correctly.
    """

    calibrated: bool
    how: str
    accepted: Share | None = None
    accepted_top1: Share | None = None


class Split(_Record):
    """Which groups (`label/group`) were used for what.

    Attributes:
        trained: the weights were fitted to them.
        validated: kept apart to choose by: the precision, and the checkpoint where they are enough for it.
        tested: kept away from both.
        untestable: labels with one group only, which trains: nothing honest can be said of them.
    """

    trained: tuple[str, ...]
    validated: tuple[str, ...] = ()
    tested: tuple[str, ...] = ()
    untestable: tuple[str, ...] = ()


class DataFingerprint(_Record):
    """Which data it was: `sha256` over the sorted SHA-256 digests of all image files."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    images: int = Field(gt=0)
    classes: int = Field(gt=0)
    sources: tuple[str, ...]


class Precision(StrEnum):
    """How the numbers of a converted network are kept."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    """The weights; they are widened when the network is loaded."""
    DYNAMIC = "dynamic"
    """The weights are int8; each activation is quantised by the range that it happens to have."""
    INT8 = "int8"
    """Weights and activations, by ranges that were found on conversion; input and output are uint8."""


class Variant(_Record):
    """The network at one precision.

    Attributes:
        size_bytes: of its file.
        top1: on the same pictures as the card's `Scores`; None when nothing could be held out.
        latency_ms: median time of one picture on one thread.
        rehearsed: its weights were fine-tuned under rounding, as int8 lost too much without.
    """

    precision: Precision
    size_bytes: int = Field(gt=0)
    top1: Share | None
    latency_ms: float = Field(gt=0)
    rehearsed: bool = False


class Conversion(_Record):
    """What conversion made of the network, and which of it model.tflite is.

    Attributes:
        chosen: the smallest that loses at most half a point of top-1 to the best.
        chosen_on: which pictures that was seen on, in words.
        timed_on: the computer that the latencies are of.
    """

    chosen: Precision
    chosen_on: str
    timed_on: str
    variants: tuple[Variant, ...]

    @model_validator(mode="after")
    def _knows_the_chosen(self) -> Self:
        if self.chosen not in {variant.precision for variant in self.variants}:
            raise ValueError(f"there is no variant {self.chosen}")
        return self

    @property
    def variant(self) -> Variant:
        """The chosen one."""
        return next(variant for variant in self.variants if variant.precision is self.chosen)


class Pretrained(_Record):
    """The weights that a network's fitting began with.

    Attributes:
        source: "imagenet", or the file as it was given.
        sha256: of the file.
    """

    source: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Strangers(_Record):
    """Where parts begin that the network was never taught; see `rig.vision.strangers`.

    Attributes:
        how: on which pictures of known parts the limits were found, in words.
        lost: shares of known parts, rising, each of which exceeds the limit in its place.
        limits: of the novelty of one view, of the mean of two, and so on.
        familiar_sha256: of familiar.npy.
    """

    how: str
    lost: tuple[Share, ...] = Field(min_length=1)
    limits: tuple[tuple[float, ...], ...] = Field(min_length=1)
    familiar_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    @model_validator(mode="after")
    def _knows_a_limit_of_each_share(self) -> Self:
        if list(self.lost) != sorted(set(self.lost)):
            raise ValueError("the shares do not rise")
        if any(len(row) != len(self.lost) for row in self.limits):
            raise ValueError("there are not as many limits as shares")
        return self

    def limits_at(self, lost: float) -> tuple[float, ...]:
        """The limits for one view, two, and so on that lose such a share of known parts.

        Between two of the shares they are interpolated; beyond the last one they stay as they are.
        """
        return tuple(float(np.interp(lost, self.lost, row)) for row in self.limits)


class Card(_Record):
    """`model.json`.

    Attributes:
        labels: in the order of the network's outputs.
        preprocess: how a picture becomes the input.
        network: name of the architecture.
        pretrained: what its weights began with; None: with random numbers.
        recipe: how it was fitted, in words; empty in cards from before this was kept.
        parameters: number of its weights.
        temperature: logits are divided by it before the softmax.
        reject_threshold: a probability below it means "not sure".
        looks: what looking again is worth; None where nothing was held out, or in cards from before this was
            measured.
        strangers: from when on a part is none that it was taught; None: it cannot tell.
        conversion: the variants; None for a fold's network, which only serves to measure.
        seed: of the training run.
        versions: of the packages that made it.
        created_at: UTC, ISO 8601.
        model_sha256: of model.tflite.
    """

    format: Literal[1] = 1
    labels: tuple[str, ...] = Field(min_length=2)
    preprocess: Preprocess
    network: str
    pretrained: Pretrained | None = None
    recipe: dict[str, str] = Field(default_factory=dict)
    parameters: int = Field(gt=0)
    temperature: float = Field(gt=0)
    reject_threshold: Share
    looks: Looks | None = None
    calibration: Calibration
    strangers: Strangers | None = None
    scores: Scores
    split: Split
    data: DataFingerprint
    conversion: Conversion | None = None
    seed: int
    versions: dict[str, str]
    created_at: str
    model_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    @property
    def began_with(self) -> str:
        """What its weights were before they were fitted, in words."""
        if self.pretrained is None:
            return "random weights"
        return f"weights of {self.pretrained.source}, SHA-256 {self.pretrained.sha256[:12]}..."
