"""Which views a capture session takes, and the file that lets it be resumed."""

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from rig.catalog import ColourCode, PartNumber, part_number
from rig.dataset.layout import SESSION_PLANS, Source
from rig.devices.axis import Microsteps
from rig.devices.operator import Subject
from rig.errors import BadField, BadInput, DatasetError
from rig.files import write_whole

_PLAN_SUFFIX = ".session.json"


@dataclass(frozen=True)
class View:
    """One view of a plan: `angle_deg` (0 to 360) as people think of it, `microsteps` as it is commanded."""

    angle_deg: float
    microsteps: Microsteps


@dataclass(frozen=True)
class CapturePlan:
    """A session: one physical part in one or more poses, all round.

    Attributes:
        session: id that starts every file name, UTC time and four random hex digits.
        part: the mould.
        steps: views a turn, evenly spread.
        poses: how many sides the part is laid on.
        microsteps_per_turn: of the table that it was made for.
        source: the kind of rig that it was made for.
        seed: what the simulated rig draws its light, camera and brick from; a real rig has no use for it.
        colour: LDraw colour code; None where the user did not say.
        pose_names: what the user calls the poses, in their order; later ones have no name.
        physical_part: the user's id of this very brick; None where there is none.
        is_round: the part looks the same from all sides, so nobody can see whether it turns.
        sweep: the table turns on while it is captured. Plans of an older version do not say.
    """

    session: str
    part: PartNumber
    steps: int
    poses: int
    microsteps_per_turn: int
    source: Source
    seed: int
    colour: ColourCode | None = None
    pose_names: tuple[str, ...] = ()
    physical_part: str | None = None
    sweep: bool = False
    is_round: bool = False

    @property
    def subject(self) -> Subject:
        """What is to be laid on the table."""
        return Subject(self.part, self.colour, self.physical_part, self.pose_names, self.seed)

    @property
    def total(self) -> int:
        """Views of all poses together."""
        return self.steps * self.poses

    def views(self) -> tuple[View, ...]:
        """The views of one pose, each at the microstep nearest to its angle."""
        return tuple(
            View(
                round(index * 360 / self.steps, 3),
                Microsteps(round(index * self.microsteps_per_turn / self.steps)),
            )
            for index in range(self.steps)
        )


def new_plan(
    part: str,
    *,
    steps: int,
    poses: int,
    microsteps_per_turn: int,
    source: Source,
    seed: int | None,
    colour: ColourCode | None = None,
    pose_names: tuple[str, ...] = (),
    physical_part: str | None = None,
    sweep: bool = False,
    is_round: bool = False,
) -> CapturePlan:
    """Plan a session; without a `seed` one is drawn.

    Raises:
        BadInput: the part number cannot be used.
        BadField: `steps` or `poses` cannot, or there are more names than poses.
    """
    if not 1 <= steps <= microsteps_per_turn:
        raise BadField(
            f"{steps} is out of range",
            field="steps",
            hint=f"this table can stop at 1 to {microsteps_per_turn} places a turn; 72 is a good start",
        )
    if poses < 1:
        raise BadField(f"{poses} is out of range", field="poses", hint="lay the part on at least one side")
    if len(pose_names) > poses:
        raise BadField(
            f"{len(pose_names)} names for {poses} poses: {', '.join(pose_names)}",
            field="pose",
            hint="name no more poses than there are; the first name is for the first pose",
        )
    return CapturePlan(
        session=new_id(),
        part=part_number(part),
        steps=steps,
        poses=poses,
        microsteps_per_turn=microsteps_per_turn,
        source=source,
        seed=secrets.randbits(62) if seed is None else seed,
        colour=colour,
        pose_names=pose_names,
        physical_part=physical_part,
        sweep=sweep,
        is_round=is_round,
    )


def new_id() -> str:
    """An id that begins with the time, so that ids are in the order of their time."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{stamp}-{secrets.token_hex(2)}"


def save_plan(plan: CapturePlan, captures: Path) -> Path:
    """Write the plan beside the class folders, so that the session can be resumed."""
    path = _plan_path(plan.session, captures)
    write_whole(path, json.dumps(asdict(plan), indent=2).encode() + b"\n")
    return path


def is_open(plan: CapturePlan, captures: Path) -> bool:
    """Whether a session was begun and is not complete."""
    return _plan_path(plan.session, captures).exists()


def close_plan(plan: CapturePlan, captures: Path) -> None:
    """Forget the plan of a session that is complete."""
    _plan_path(plan.session, captures).unlink(missing_ok=True)


def latest_open_plan(captures: Path) -> CapturePlan:
    """The plan of the latest session that was not completed.

    Raises:
        BadInput: every session is complete.
        DatasetError: the plan's file is damaged.
    """
    sessions = open_sessions(captures)
    if not sessions:
        raise BadInput(
            f"there is no unfinished session in {captures}", hint="start one: rig capture --part 3001"
        )
    return open_plan(sessions[-1], captures)


def open_sessions(captures: Path) -> list[str]:
    """The sessions that were not completed, the latest last."""
    return [path.name[1:].removesuffix(_PLAN_SUFFIX) for path in sorted(captures.glob(SESSION_PLANS))]


def open_plans_of(part: PartNumber, captures: Path) -> list[CapturePlan]:
    """The plans of the sessions of a part that were not completed, the latest last.

    Raises:
        DatasetError: the file of one, whichever its part, is damaged.
    """
    plans = (open_plan(session, captures) for session in open_sessions(captures))
    return [plan for plan in plans if plan.part == part]


def open_plan(session: str, captures: Path) -> CapturePlan:
    """The plan of a session that was not completed.

    Raises:
        DatasetError: its file is damaged.
    """
    path = _plan_path(session, captures)
    try:
        plan = TypeAdapter(CapturePlan).validate_json(path.read_bytes(), strict=True)
        part_number(plan.part)
    except (ValidationError, BadInput) as error:
        raise DatasetError(f"{path} is damaged", hint="delete it and start the session anew") from error
    if plan.session != session:
        raise DatasetError(f"{path} is the plan of another session", hint="delete it")
    return plan


def _plan_path(session: str, captures: Path) -> Path:
    return captures / f".{session}{_PLAN_SUFFIX}"
