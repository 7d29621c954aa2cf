"""What requests and responses are made of."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict

MOST_A_PAGE = 500

Limit = Annotated[int, Query(ge=1, le=MOST_A_PAGE, description="No more entries than these.")]
Offset = Annotated[int, Query(ge=0, le=10**9, description="How many entries to pass over.")]
Label = Annotated[str, Path(min_length=1, max_length=255, description="A part number.")]
FilePath = Annotated[str, Path(min_length=1, max_length=1024, description="With forward slashes.")]
ThumbnailWidth = Annotated[
    int | None, Query(ge=40, le=640, description="As wide as this, as a JPEG; otherwise as it is.")
]

# The largest number that SQLite holds, and every JSON reader tells from its neighbours.
MOST_ID = 2**53 - 1
_NO_NUMBER = 1e300


class Reply(BaseModel):
    """What is answered: frozen, and nothing in it that the schema does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Order(BaseModel):
    """What is asked for in the body of a request: no key that is not known, and no value of another kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class CandidateReply(Reply):
    """A class that a picture may show, and its calibrated probability, 0 to 1."""

    label: str
    probability: float


def utc(said: object) -> datetime | None:
    """A time as others wrote it, ISO 8601, in UTC; None where it is none. Without a zone it is UTC."""
    try:
        time = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def text(said: Any) -> str | None:
    """What a manifest says in a column of text; None where it says nothing."""
    return None if said is None else str(said).encode("utf-8", "replace").decode()


def number(said: Any) -> float | None:
    """What a manifest says in a column of numbers; None where it is none."""
    is_number = isinstance(said, int | float) and not isinstance(said, bool)
    # Neither infinities nor what is not a number are below any limit.
    return float(said) if is_number and abs(said) < _NO_NUMBER else None


def whole(said: Any) -> int | None:
    """What a manifest says in a column of whole numbers; None where it is none."""
    return said if isinstance(said, int) and not isinstance(said, bool) and abs(said) <= MOST_ID else None
