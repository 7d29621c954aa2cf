"""Where a rig's messages stand at the broker."""

from dataclasses import dataclass
from typing import Self

from rig.mqtt_config import MqttConfig

ONLINE, OFFLINE = "online", "offline"
"""What stands in `Topics.availability`."""


@dataclass(frozen=True)
class Topics:
    """The topics of one rig, all below `base`; docs/fleet.md says what stands there."""

    base: str

    @classmethod
    def of(cls, config: MqttConfig) -> Self:
        """Those of the rig that rig.toml names."""
        return cls(f"{config.base_topic}/{config.rig}")

    # Retained.

    @property
    def availability(self) -> str:
        """Whether the daemon runs."""
        return f"{self.base}/availability"

    @property
    def state(self) -> str:
        """How the rig is."""
        return f"{self.base}/state"

    @property
    def question(self) -> str:
        """What a job asks."""
        return f"{self.base}/question"

    @property
    def bins(self) -> str:
        """What lies in each bin."""
        return f"{self.base}/counts/bins"

    @property
    def parts(self) -> str:
        """What was sorted."""
        return f"{self.base}/counts/parts"

    # Passing by.

    @property
    def decision(self) -> str:
        """Each part."""
        return f"{self.base}/decision"

    @property
    def trouble(self) -> str:
        """What sorting met with."""
        return f"{self.base}/trouble"

    @property
    def command(self) -> str:
        """What the rig is to do."""
        return f"{self.base}/command"

    @property
    def response(self) -> str:
        """What came of that."""
        return f"{self.base}/response"
