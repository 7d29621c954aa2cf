"""Where the rig tells how it is, beside its own page."""

import re
import socket
from typing import Self

from pydantic import Field, model_validator

from rig.section import Section

_LABEL = "[A-Za-z0-9_-]{1,63}"
_NAME = "[A-Za-z0-9_-]{1,64}"


class MqttConfig(Section):
    """`[mqtt]`: the broker that `rig serve` tells what happens; none without a host.

    Attributes:
        tls: speak with it encrypted, and see that it is the one that its certificate names.
        ca_file: certificates of those who may vouch for it (PEM); empty for those that the system trusts.
        password_file: holds the password of `user`, which therefore stands in no rig.toml.
        base_topic: what all topics of all rigs begin with.
        name: of this rig, unlike that of any other at the same broker; empty for the computer's.
        discovery_prefix: where Home Assistant looks for new devices; empty to leave it alone.
        allow_commands: whoever may publish at the broker may start, pause and stop jobs.
    """

    host: str = Field(default="", max_length=253, pattern=rf"^({_LABEL}(\.{_LABEL})*\.?|[0-9A-Fa-f:]*)$")
    port: int = Field(default=1883, ge=1, le=65535)
    tls: bool = False
    ca_file: str = ""
    user: str = ""
    password_file: str = ""
    base_topic: str = Field(default="brickrig", pattern=rf"^{_NAME}(/{_NAME})*$", max_length=200)
    name: str = Field(default="", pattern=rf"^({_NAME})?$")
    discovery_prefix: str = Field(
        default="homeassistant", pattern=rf"^({_NAME}(/{_NAME})*)?$", max_length=200
    )
    allow_commands: bool = False

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if self.ca_file and not self.tls:
            raise ValueError("ca_file is of no use without tls = true")
        if self.password_file and not self.user:
            raise ValueError("password_file needs user as well")
        return self

    @property
    def rig(self) -> str:
        """What this rig is called at the broker."""
        return self.name or re.sub("[^A-Za-z0-9_-]+", "-", socket.gethostname())[:64] or "rig"
