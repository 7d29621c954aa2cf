"""`[sorting]`: how sorting mode waits and decides."""

from pydantic import Field

from rig.section import Section


class SortingConfig(Section):
    """`[sorting]`: where unsure parts go."""

    reject_bin: str = "reject"
    reject_threshold: float | None = Field(default=None, ge=0, le=1)
    wait_for_part_s: float = Field(default=60.0, gt=0)
