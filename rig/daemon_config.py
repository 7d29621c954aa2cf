"""How the daemon is reached."""

from typing import Self

from pydantic import Field, model_validator

from rig.section import Section


class DaemonConfig(Section):
    """`[daemon]`: where `rig serve` listens, and its live picture.

    Attributes:
        address: of the page; another than loopback asks for a token.
        port: of the page; 0 for none, then only the commands of this computer reach it.
        socket: of those commands; empty for the usual one.
        host_names: further names that the page may be called by.
        tls_cert, tls_key: files of a certificate and its key; empty for none.
    """

    address: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    socket: str = ""
    host_names: tuple[str, ...] = ()
    tls_cert: str = ""
    tls_key: str = ""
    live_fps: float = Field(default=10.0, gt=0, le=60)
    live_width_px: int = Field(default=640, ge=64, le=4096)
    live_height_px: int = Field(default=480, ge=64, le=4096)

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Self:
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("tls_cert and tls_key belong together")
        return self
