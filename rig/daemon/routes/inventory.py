"""What was sorted, counted by part and colour; how much of a list that is; and files of it for others."""

import io
import zipfile
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from rig.daemon.body_types import body_of, described
from rig.daemon.fields import Reply
from rig.daemon.problems import may_fail
from rig.daemon.station import Station, rooted
from rig.inventory.colours import colour_name
from rig.inventory.exporting import lots_to_export, require_fitting
from rig.inventory.formats import names_of_files, read_content, written_as
from rig.inventory.lots import Condition, Format, Lot, Reading, Writing, total
from rig.inventory.progress import Row, progress
from rig.sorting.expected import recorded_lots

LIST_TYPES = ("text/csv", "text/plain", "application/xml", "text/xml")
MOST_LIST_BYTES = 4 * 2**20

Run = Annotated[str | None, Query(min_length=1, max_length=64, description="Count this run only.")]
Kind = Annotated[Literal["set", "wanted"], Query(description="What the list is, for the sake of its name.")]
FormatName = Annotated[Format, Path()]
State = Annotated[Condition, Query(description="Of parts to sell, where it is not known.")]
Price = Annotated[
    float | None, Query(ge=0.001, le=10_000, description="Of each part; BrickLink asks for it in an upload.")
]
ListContent = Annotated[bytes, Depends(body_of(LIST_TYPES, most_bytes=MOST_LIST_BYTES))]

_LIST = "the list"
_SUFFIXES = {
    Format.BRICKLINK_UPLOAD: ".xml",
    Format.BRICKLINK_WANTED: ".xml",
    Format.REBRICKABLE: ".csv",
    Format.BRICKSTORE: ".bsx",
    Format.CSV: ".csv",
}
_TYPES = {".xml": "application/xml", ".bsx": "application/xml", ".csv": "text/csv"}
_FILE_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {
        "content": {kind: {} for kind in ("application/xml", "text/csv", "application/zip")},
        "description": "The file; several of them in a ZIP file, where a service takes only so much at once",
    }
}


class LotReply(Reply):
    """So many of one part in one colour.

    Attributes:
        colour: LDraw colour code; null where nobody was sure of it, or any is wanted.
        condition: null where it is not known, or either is wanted.
    """

    part: str
    colour: int | None
    colour_name: str | None
    quantity: int
    condition: Condition | None


class InventoryReply(Reply):
    """What was named and dropped into bins."""

    parts: int
    lots: list[LotReply]


class WantedReply(LotReply):
    """A lot of a list, and how far it is filled.

    Attributes:
        perhaps: of the missing ones, how many lie among the parts of unknown colour.
    """

    have: int
    missing: int
    perhaps: int


class ProgressReply(Reply):
    """How much of a list is there.

    Attributes:
        kind: as it was asked.
        share: from 0 to 1.
        notes: what of the list was left out, and why.
    """

    kind: str
    wanted: int
    have: int
    perhaps: int
    share: float
    notes: list[str]
    lots: list[WantedReply]


class ExportFileReply(Reply):
    """A file that an export is made of."""

    name: str
    size_bytes: int


class ExportReply(Reply):
    """What an export would be.

    Attributes:
        notes: what the format cannot say, and what was done about it, such as parts that were left out.
    """

    files: list[ExportFileReply]
    parts: int
    lots: int
    notes: list[str]


def routes(station: Station) -> APIRouter:
    """Everything about counts of parts."""
    router = APIRouter(tags=["inventory"], responses=may_fail(404, 422, 507))
    a_list = described(LIST_TYPES)

    def stock(run: str | None) -> Sequence[Lot]:
        config = rooted(station)
        return recorded_lots(config.ledger, config.sorting.reject_bin, run=run)

    def written(
        format_: Format, condition: Condition, price: float | None, run: str | None, wanted: bytes | None
    ) -> "_Export":
        require_fitting(format_, is_of_missing=wanted is not None)
        lots = stock(run)
        missing = None if wanted is None else progress(_read(wanted).lots, lots).missing()
        chosen = lots_to_export(lots, missing, _LIST)
        return _Export(format_, written_as(format_, chosen, condition=condition, price=price))

    @router.get("/inventory")
    def count(run: Run = None) -> InventoryReply:
        """Count what was sorted, by part and colour, in one run or in all."""
        lots = stock(run)
        return InventoryReply(parts=total(lots), lots=[_lot_reply(lot) for lot in lots])

    @router.post("/inventory/progress", responses=may_fail(413, 415), openapi_extra=a_list)
    def compare(content: ListContent, kind: Kind = "wanted", run: Run = None) -> ProgressReply:
        """Say how much of a wanted list, or of the parts list of a set, is there."""
        reading = _read(content)
        found = progress(reading.lots, stock(run))
        return ProgressReply(
            kind=kind,
            wanted=found.wanted,
            have=found.have,
            perhaps=found.perhaps,
            share=found.share,
            notes=list(reading.notes),
            lots=[_wanted_reply(row) for row in found.rows],
        )

    @router.get("/inventory/export/{format_name}", response_class=Response, responses=_FILE_RESPONSES)
    def export(
        format_name: FormatName, run: Run = None, condition: State = Condition.USED, price: Price = None
    ) -> Response:
        """Write what was sorted in a format of others."""
        return written(format_name, condition, price, run, None).response()

    @router.get("/inventory/export/{format_name}/preview")
    def preview_export(
        format_name: FormatName, run: Run = None, condition: State = Condition.USED, price: Price = None
    ) -> ExportReply:
        """Say what that would be, and what would be left out."""
        return written(format_name, condition, price, run, None).reply()

    @router.post(
        "/inventory/export/{format_name}",
        response_class=Response,
        responses=_FILE_RESPONSES | may_fail(413, 415),
        openapi_extra=a_list,
    )
    def export_missing(
        content: ListContent,
        format_name: FormatName,
        run: Run = None,
        condition: State = Condition.USED,
        price: Price = None,
    ) -> Response:
        """Write what is missing of a list in a format of others."""
        return written(format_name, condition, price, run, content).response()

    @router.post(
        "/inventory/export/{format_name}/preview", responses=may_fail(413, 415), openapi_extra=a_list
    )
    def preview_export_of_missing(
        content: ListContent,
        format_name: FormatName,
        run: Run = None,
        condition: State = Condition.USED,
        price: Price = None,
    ) -> ExportReply:
        """Say what that would be, and what would be left out."""
        return written(format_name, condition, price, run, content).reply()

    return router


class _Export:
    """What lots come to in a format, as files with names."""

    def __init__(self, format_: Format, writing: Writing) -> None:
        self._name = format_.value
        self._writing = writing
        self._suffix = _SUFFIXES[format_]
        names = names_of_files(f"{self._name}{self._suffix}", len(writing.texts))
        self._files = {name: text.encode() for name, text in zip(names, writing.texts, strict=True)}

    def reply(self) -> ExportReply:
        """What is in it."""
        return ExportReply(
            files=[ExportFileReply(name=name, size_bytes=len(text)) for name, text in self._files.items()],
            parts=total(self._writing.lots),
            lots=len(self._writing.lots),
            notes=list(self._writing.notes),
        )

    def response(self) -> Response:
        """The file to be saved, or a ZIP of several."""
        name, content = next(iter(self._files.items()))
        media_type = _TYPES[self._suffix]
        if len(self._files) > 1:
            name, content, media_type = f"{self._name}.zip", _zipped(self._files), "application/zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type=media_type, headers=headers)


def _zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def _read(content: bytes) -> Reading:
    return read_content(content, _LIST)


def _lot_reply(lot: Lot) -> LotReply:
    return LotReply(
        part=lot.part,
        colour=lot.colour,
        colour_name=None if lot.colour is None else colour_name(lot.colour),
        quantity=lot.quantity,
        condition=lot.condition,
    )


def _wanted_reply(row: Row) -> WantedReply:
    lot = _lot_reply(row.wanted).model_dump()
    return WantedReply(**lot, have=row.have, missing=row.missing, perhaps=row.perhaps)
