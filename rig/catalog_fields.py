"""Part numbers and colours as they stand in rig.toml."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from rig.catalog import (
    COLOURS,
    OWN_NAME,
    PART_NUMBER,
    ColourCode,
    PartNumber,
    colour_code,
    own_name,
    part_number,
)
from rig.errors import BadInput


def _colour(value: Any) -> ColourCode:
    try:
        return colour_code(str(value))
    except BadInput as error:
        raise ValueError(str(error)) from error


def _part(value: Any) -> PartNumber:
    try:
        return part_number(_written(value))
    except BadInput as error:
        raise ValueError(str(error)) from error


def _own_name(value: Any) -> str:
    try:
        return own_name(_written(value), of="a brick or a pose")
    except BadInput as error:
        raise ValueError(str(error)) from error


def _written(value: Any) -> str:
    """As it was written: numbers need no quotes; null and true are no names, though they could be spelt."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{value!r} is neither text nor a whole number")
    return str(value)


AnyPart = Annotated[
    PartNumber,
    BeforeValidator(_part),
    WithJsonSchema({"type": "string", "pattern": f"^{PART_NUMBER}$"}),
]
"""A part number, with or without quotes."""

PartText = Annotated[
    str,
    AfterValidator(_part),
    WithJsonSchema({"type": "string", "pattern": f"^{PART_NUMBER}$"}),
]
"""A part number as somebody typed it: text, and nothing else."""

AnyColour = Annotated[
    ColourCode,
    BeforeValidator(_colour),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 511, "not": {"enum": [16, 24]}},
                {"enum": [colour.name for colour in COLOURS.values()]},
            ]
        }
    ),
]
"""A colour, by the name of a common one or by its LDraw code."""

OwnName = Annotated[
    str, BeforeValidator(_own_name), WithJsonSchema({"type": "string", "pattern": f"^{OWN_NAME}$"})
]
"""What a user calls a brick, or the side that it lies on."""
