"""What somebody wants of the machine, as plain values: from a command line, from a page, or over a socket."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, WithJsonSchema

from rig.capture.order import POSES, STEPS
from rig.catalog import OWN_NAME
from rig.catalog_fields import AnyColour, AnyPart, OwnName
from rig.section import Section


def _say_that_kind_is_required(schema: dict[str, Any]) -> None:
    """Whoever sends a request has to say of which kind it is, though one of a known kind need not."""
    schema["required"] = sorted({*schema.get("required", ()), "kind"})


class Request(Section):
    """What every request says.

    Attributes:
        attended: somebody can be asked to see to the machine. Where nobody can, whatever wants a person ends
            the job with one line.
    """

    model_config = ConfigDict(json_schema_extra=_say_that_kind_is_required)

    attended: bool = True
    _bulk: ClassVar[Any] = None

    def in_short(self) -> dict[str, Any]:
        """As plain values, without the text of a list or a plan, which may be long."""
        return self.model_dump(mode="json", exclude=self._bulk)


class CaptureRequest(Request):
    """Take the pictures of one part; the attributes are those of `CapturePlan`."""

    kind: Literal["capture"] = "capture"
    part: AnyPart
    steps: int = Field(default=STEPS, ge=1)
    poses: int = Field(default=POSES, ge=1)
    colour: AnyColour | None = None
    pose_names: tuple[OwnName, ...] = ()
    physical_part: OwnName | None = None
    is_round: bool = False
    sweep: bool = False


class BatchRequest(Request):
    """Take the pictures of a list of parts.

    Attributes:
        source: what the list is called: its absolute path, for one that was read from a file. Under the same
            name it goes on where it was interrupted.
        table: the list, in any of the dialects that `rig.spreadsheet` reads.
        steps, poses: for rows that do not say; empty for the usual ones.
    """

    _bulk: ClassVar[Any] = {"table"}

    kind: Literal["batch"] = "batch"
    source: str
    table: str
    steps: str = ""
    poses: str = ""
    sweep: bool = False


class ResumeRequest(Request):
    """Go on with an unfinished session or list.

    Attributes:
        session: of one part; empty for the session or list that was begun last.
    """

    kind: Literal["resume"] = "resume"
    session: str = Field(default="", pattern=r"^[0-9A-Za-z-]*$", max_length=100)


class PassRequest(Section):
    """A pass of a plan: its text, and the name of the file that it stands in."""

    name: str
    plan: str
    number: int = Field(default=1, ge=1)


class SortRequest(Request):
    """Sort parts into bins.

    Attributes:
        count: how many.
        model: by its name, or by its folder where the request comes from this computer; empty for the one in
            use.
        follow: the pass that says which part goes into which bin, in place of rig.toml.
        emptied: names of bins that somebody has emptied.
    """

    _bulk: ClassVar[Any] = {"follow": {"plan"}}

    kind: Literal["sort"] = "sort"
    count: int = Field(default=20, ge=1)
    model: Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^({OWN_NAME})?$"})] = ""
    follow: PassRequest | None = None
    emptied: tuple[str, ...] = ()


class CalibrateTurnRequest(Request):
    """Measure how far the table turns, or how long it swings.

    Attributes:
        example: what is laid on an empty table.
        folder: where the drawing of it goes; empty for the usual one. Not over the network.
    """

    kind: Literal["calibrate_table", "calibrate_settle"]
    example: AnyPart = Field(default="3001", validate_default=True)
    folder: Annotated[str, WithJsonSchema({"type": "string", "const": ""})] = ""


class CalibrateCameraRequest(Request):
    """Find exposure, white balance and focus.

    Attributes:
        reference: the sheet that is laid on the table.
        mains_hz: what the lamp flickers with; None for one on direct current.
        longest_ms: the longest exposure.
        example: the part that is laid on the table to focus on.
        write: into rig.toml.
    """

    kind: Literal["calibrate_camera"] = "calibrate_camera"
    reference: Literal["white", "grey"] = "white"
    mains_hz: Literal[50, 60] | None = 50
    longest_ms: float = Field(default=33.0, ge=0.1, le=1000)
    example: AnyPart = Field(default="3001", validate_default=True)
    write: bool = True


JobRequest = Annotated[
    CaptureRequest
    | BatchRequest
    | ResumeRequest
    | SortRequest
    | CalibrateTurnRequest
    | CalibrateCameraRequest,
    Field(discriminator="kind"),
]
"""Any of them, told apart by its `kind`."""
