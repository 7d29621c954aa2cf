"""What every table of rig.toml has in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

UNKNOWN_KEY = "unknown_key"


class Section(BaseModel):
    """A table of rig.toml: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, table: Any) -> Any:
        """Refuse what pydantic would refuse as well, but say what could be meant."""
        unknown = [key for key in table if key not in cls.model_fields] if isinstance(table, dict) else []
        if unknown:
            named = {"key": unknown[0], "known": list(cls.model_fields)}
            raise PydanticCustomError(UNKNOWN_KEY, "there is no such key: {key}", named)
        return table
