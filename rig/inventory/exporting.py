"""What is written for others: what is there, or what is missing of a list."""

from collections.abc import Sequence

from rig.errors import BadInput
from rig.inventory.lots import Format, Lot

WITH_NOTHING = "the bins are empty as far as the ledger knows: sort some parts, or name a list with --owned"
"""Why there may be nothing to count, and what to do."""


def require_fitting(kind: Format, *, is_of_missing: bool) -> None:
    """See that what is missing is not sold, and what is there not wanted.

    Args:
        is_of_missing: what a list lacks is to be written, and not what is there.

    Raises:
        BadInput: the format is for the other.
    """
    if kind is Format.BRICKLINK_WANTED and not is_of_missing:
        raise BadInput(
            "what is there is not wanted any more",
            hint="say of which list the missing parts are wanted, with --wanted FILE or --set FILE",
        )
    if kind is Format.BRICKLINK_UPLOAD and is_of_missing:
        raise BadInput(
            "what is missing cannot be sold", hint="leave out --wanted, or export bricklink-wanted"
        )


def lots_to_export(stock: Sequence[Lot], missing: Sequence[Lot] | None, wanted: str) -> Sequence[Lot]:
    """What is there, or what is missing of a list where one is given.

    Args:
        missing: None without a list.
        wanted: what the list is called.

    Raises:
        BadInput: it is nothing.
    """
    if missing is None:
        if not stock:
            raise BadInput("there is nothing to export", hint=WITH_NOTHING)
        return stock
    if not missing:
        raise BadInput(f"nothing of {wanted} is missing", hint="there is nothing to export")
    return missing
