"""rig.toml: what holds, and changes of what can safely be changed from afar, each of them kept."""

import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, Field, create_model

from rig.config import Config, parse_config, read_content
from rig.config_file import replace_content, with_values
from rig.daemon.config_versions import ConfigVersions
from rig.daemon.fields import Order, Reply
from rig.daemon.problems import Refused, may_fail
from rig.daemon.station import Station, rooted

# What neither moves anything it should not, nor opens a file or a port, nor lets somebody else in.
SAFE_FIELDS = (
    "turntable.way",
    "turntable.settle",
    "turntable.settle_s",
    "camera.exposure_us",
    "camera.gain",
    "camera.colour_gains",
    "camera.white_balance_k",
    "camera.lens_position",
    "camera.sweep_exposure_us",
    "light.brightness",
    "sorting.cost_wrong_bin",
    "sorting.cost_reject",
    "sorting.cost_look",
    "sorting.target_error",
    "sorting.reject_threshold",
    "sorting.most_views",
    "sorting.look_turn_deg",
    "sorting.colour_threshold",
    "sorting.false_strangers",
    "sorting.wait_for_part_s",
    "sorting.pushes",
)


class SafeFieldReply(Reply):
    """A value that can be changed.

    Attributes:
        name: table and key, such as "turntable.settle_s".
        default: what holds where rig.toml does not say.
        allowed: which values can be, as a JSON schema.
    """

    name: str
    value: Any
    default: Any
    allowed: dict[str, Any]


class VersionReply(Reply):
    """An earlier rig.toml, and when it was replaced."""

    version: str
    kept_at: datetime


class ConfigurationReply(Reply):
    """What holds.

    Attributes:
        file: the rig.toml; null where there is none, so that nothing can be changed.
        values: table by table.
        safe_fields: what can be changed.
        versions: what can be restored, the newest first.
    """

    file: str | None
    values: dict[str, Any]
    safe_fields: list[SafeFieldReply]
    versions: list[VersionReply]


class VersionOrder(Order):
    """Which version is to hold again."""

    version: str = Field(min_length=1, max_length=64)


def _field(name: str) -> tuple[Any, Any]:
    """A value of a change: checked as in rig.toml; null stands for the default."""
    info = _section(name).model_fields[name.partition(".")[2]]
    allowed: Any = info.annotation
    for constraint in info.metadata:
        allowed = Annotated[allowed, constraint]
    if int in (info.annotation, *get_args(info.annotation)):
        allowed = Annotated[allowed, BeforeValidator(_as_whole)]
    elif name == "camera.colour_gains":
        allowed = Annotated[allowed, BeforeValidator(_as_pair)]
    return allowed | None, Field(default=None, alias=name)


def _as_whole(said: object) -> object:
    """To JSON, 8000.0 is a whole number."""
    return int(said) if isinstance(said, float) and said.is_integer() else said


def _as_pair(said: object) -> object:
    """JSON has no pairs, only lists."""
    return tuple(said) if isinstance(said, list) else said


def _section(name: str) -> type[BaseModel]:
    section = Config.model_fields[name.partition(".")[0]].annotation
    assert isinstance(section, type) and issubclass(section, BaseModel), "safe fields are in plain tables"
    return section


if TYPE_CHECKING:
    ChangeOrder = Order
else:
    ChangeOrder = create_model(
        "ChangeOrder",
        __base__=Order,
        __doc__="Values of rig.toml by table and key; null takes a key out, so that its default holds.",
        **{name.replace(".", "__"): _field(name) for name in SAFE_FIELDS},
    )


def routes(station: Station) -> APIRouter:
    """Everything about rig.toml."""
    router = APIRouter(tags=["configuration"], responses=may_fail(409))
    file = _File(station)

    @router.get("/configuration")
    def show() -> ConfigurationReply:
        """Say what holds, what can be changed, and what can be restored."""
        return file.reply()

    @router.patch("/configuration", responses=may_fail(400, 422, 507))
    def change(order: ChangeOrder) -> ConfigurationReply:
        """Change values, all or none of them; the file is kept as it was, as a version."""
        said = order.model_dump(by_alias=True, exclude_unset=True)
        file.change({_split(name): value for name, value in said.items()})
        return file.reply()

    @router.post("/configuration/restore", responses=may_fail(400, 404, 422, 507))
    def restore(order: VersionOrder) -> ConfigurationReply:
        """Have an earlier rig.toml hold again; the one that holds now is kept as a version."""
        file.restore(order.version)
        return file.reply()

    return router


class _File:
    """The rig.toml of a station, changed by one request at a time."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._lock = threading.Lock()

    def reply(self) -> ConfigurationReply:
        """What holds."""
        config, path = self._station.config, self._station.config_file
        return ConfigurationReply(
            file=None if path is None else str(path),
            values=config.model_dump(mode="json"),
            safe_fields=list(_safe_fields(config)),
            versions=[
                VersionReply(version=kept.name, kept_at=kept.kept_at) for kept in self._versions().all()
            ],
        )

    def change(self, values: Mapping[tuple[str, str], Any]) -> None:
        """Write other values.

        Raises:
            Refused: there is no rig.toml, or somebody else changes it.
            ConfigError: it would contradict itself; it is as it was.
            StorageError: it cannot be written.
        """
        with self._lock:
            path = self._path()
            now = read_content(path)
            self._replace(now, with_values(now, path.name, values))

    def restore(self, version: str) -> None:
        """Write an earlier version.

        Raises:
            NotFound: there is no such version.
            ConfigError: it is none that this program can use; also as `change`.
        """
        with self._lock:
            path = self._path()
            earlier = self._versions().content(version)
            parse_config(earlier, f"the version {version}")
            self._replace(read_content(path), earlier)

    def _replace(self, now: bytes, other: bytes) -> None:
        if other != now:
            self._versions().keep(now)
            # That took a while: the disk had to confirm it.
            if read_content(self._path()) != now:
                raise Refused(
                    "somebody has just saved another rig.toml", hint="look at it, then change it anew"
                )
            replace_content(self._path(), other)
            self._station.reload_config()

    def _path(self) -> Path:
        path = self._station.config_file
        if path is None:
            raise Refused("there is no rig.toml to change", hint="write one with: rig init")
        return self._station.folder / path

    def _versions(self) -> ConfigVersions:
        return ConfigVersions(rooted(self._station).paths.daemon)


def _safe_fields(config: Config) -> Iterator[SafeFieldReply]:
    allowed = ChangeOrder.model_json_schema()["properties"]
    for name in SAFE_FIELDS:
        section, key = _split(name)
        yield SafeFieldReply(
            name=name,
            value=getattr(getattr(config, section), key),
            default=_section(name).model_fields[key].default,
            # The other that can be is null, for the default.
            allowed=allowed[name]["anyOf"][0],
        )


def _split(name: str) -> tuple[str, str]:
    section, _, key = name.partition(".")
    return section, key
