"""What one picture shows, asked of the model in use."""

from typing import Annotated

from fastapi import APIRouter, Depends

from rig.daemon.body_types import body_of, described
from rig.daemon.fields import CandidateReply, Reply
from rig.daemon.library import Library
from rig.daemon.problems import may_fail
from rig.daemon.station import Station, rooted
from rig.daemon.uploads import MEDIA_TYPES, MOST_BYTES, decode_upload
from rig.vision.naming import name_picture
from rig.vision.strangers import novelty_limits

PictureContent = Annotated[bytes, Depends(body_of(MEDIA_TYPES, most_bytes=MOST_BYTES))]


class NamedReply(Reply):
    """What a picture may show.

    Attributes:
        model: that was asked.
        box: x, y, width, height of the part in pixels; null where none was found, and the whole was used.
        stranger: it may be a part that the model was never taught.
        candidates: the best three, most probable first.
    """

    model: str
    box: list[int] | None
    stranger: bool
    candidates: list[CandidateReply]


def routes(station: Station, library: Library) -> APIRouter:
    """Naming a picture."""
    router = APIRouter(tags=["classify"])

    @router.post(
        "/classify", responses=may_fail(409, 413, 415, 422, 503), openapi_extra=described(MEDIA_TYPES)
    )
    def classify(content: PictureContent) -> NamedReply:
        """Say which part a picture shows; it has at most 16 MiB and 40 million pixels."""
        config = rooted(station)
        # Decoded while it has the model to itself, so that no two large pictures are in memory at once.
        with library.classifier.of(config.paths.models) as (bundle, classifier):
            limits = novelty_limits(bundle.card, config.sorting.false_strangers)
            named = name_picture(classifier, decode_upload(content), limits)
        box = named.box
        return NamedReply(
            model=bundle.name,
            box=None if box is None else [box.x, box.y, box.width, box.height],
            stranger=named.is_stranger,
            candidates=[CandidateReply(label=c.label, probability=c.probability) for c in named.candidates],
        )

    return router
