"""The models: which there are, what is known of each, their reports, and which one is in use."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.responses import Response

from rig.card import Card
from rig.daemon.fields import FilePath, Order, Reply, utc
from rig.daemon.library import Library
from rig.daemon.pictures import read_below
from rig.daemon.problems import may_fail
from rig.daemon.station import Station, rooted
from rig.errors import NotFound
from rig.model import REPORT_FOLDER
from rig.shelf import Shelved, shelved, use

Name = Annotated[str, Path(min_length=1, max_length=255, description="Of its folder.")]

_REPORT_TYPES = {".html": "text/html", ".jpg": "image/jpeg", ".png": "image/png"}


class ModelReply(Reply):
    """A model in a few figures; all but its name are null where it is damaged.

    Attributes:
        in_use: sorting takes it when it is not told which.
        problem: how it is damaged; empty where it is not.
        top1: share of the pictures that it names rightly.
        measured_on: which pictures those are, in words.
        latency_ms: median time of one picture on one thread, on the computer that trained it.
    """

    name: str
    in_use: bool
    problem: str
    created_at: datetime | None
    labels_count: int | None
    top1: float | None
    measured_on: str | None
    size_bytes: int | None
    latency_ms: float | None


class ModelsReply(Reply):
    """All models, the newest first."""

    models: list[ModelReply]


class ModelDetailsReply(Reply):
    """Everything that is known of a model.

    Attributes:
        card: null where it is damaged.
        has_report: there is a report, `report/index.html`.
    """

    model: ModelReply
    card: Card | None
    has_report: bool


class ModelOrder(Order):
    """Which model is to be in use."""

    name: str = Field(min_length=1, max_length=255)


_FIGURES = ModelReply.model_fields.keys() - {"name", "in_use", "problem"}


def routes(station: Station, library: Library) -> APIRouter:
    """Everything about models."""
    router = APIRouter(tags=["models"], responses=may_fail(409))

    def shelf() -> Sequence[Shelved]:
        return shelved(rooted(station).paths.models, library.bundles.load)

    @router.get("/models")
    def list_models() -> ModelsReply:
        """List the models, the newest first, and which of them is in use."""
        return ModelsReply(models=[_model_reply(model) for model in shelf()])

    @router.get("/models/in-use", responses=may_fail(404))
    def show_model_in_use() -> ModelDetailsReply:
        """Say what is known of the model in use."""
        for model in shelf():
            if model.in_use:
                return _details(model)
        raise NotFound("there is no model in use", hint="train one with: rig train")

    @router.put("/models/in-use", responses=may_fail(400, 404, 422, 507))
    def use_model(order: ModelOrder) -> ModelDetailsReply:
        """Have sorting take a model from now on when it is not told which."""
        models = rooted(station).paths.models
        # By its name alone: `use` would take the path of a folder as well.
        _named(order.name, shelf())
        use(models, order.name)
        return _details(_named(order.name, shelf()))

    @router.get("/models/{name}", responses=may_fail(404, 422))
    def show_model(name: Name) -> ModelDetailsReply:
        """Say what is known of a model."""
        return _details(_named(name, shelf()))

    @router.get(
        "/models/{name}/report/{path:path}",
        response_class=Response,
        responses={
            200: {"content": {kind: {} for kind in _REPORT_TYPES.values()}, "description": "A file of it"},
            **may_fail(404, 422),
        },
    )
    def show_report(name: Name, path: FilePath) -> Response:
        """Give a file of a model's report; it begins with index.html."""
        media_type = next((kind for suffix, kind in _REPORT_TYPES.items() if path.endswith(suffix)), None)
        if media_type is None:
            raise NotFound(f"{path!r} is no file of a report", hint="it begins with index.html")
        folder = rooted(station).paths.models / _named(name, shelf()).name / REPORT_FOLDER
        stored = read_below(folder, path)
        return Response(stored.content, media_type=media_type)

    return router


def _named(name: str, models: Sequence[Shelved]) -> Shelved:
    for model in models:
        if model.name == name:
            return model
    known = ", ".join(model.name for model in models)
    hint = f"there are: {known}" if known else "train one with: rig train"
    raise NotFound(f"there is no model {name!r}", hint=hint)


def _details(model: Shelved) -> ModelDetailsReply:
    bundle = model.bundle
    return ModelDetailsReply(
        model=_model_reply(model),
        card=None if bundle is None else bundle.card,
        has_report=bundle is not None and bundle.report_path.is_file(),
    )


def _model_reply(model: Shelved) -> ModelReply:
    figures: dict[str, Any] = dict.fromkeys(_FIGURES)
    if model.bundle is not None:
        card = model.bundle.card
        variant = None if card.conversion is None else card.conversion.variant
        figures |= {
            "created_at": utc(card.created_at),
            "labels_count": len(card.labels),
            "top1": card.scores.top1,
            "measured_on": card.scores.how,
            "size_bytes": None if variant is None else variant.size_bytes,
            "latency_ms": None if variant is None else variant.latency_ms,
        }
    return ModelReply(name=model.name, in_use=model.in_use, problem=model.problem, **figures)
