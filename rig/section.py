"""What every table of rig.toml has in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of rig.toml: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
