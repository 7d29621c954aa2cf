"""Tokens: what somebody from another computer shows to be let in.

A token is 256 random bits. Only its SHA-256 is kept, so that what is in the file lets nobody in. Nobody can
guess so many bits: nothing slower than SHA-256 is needed.
"""

import hashlib
import hmac
import os
import secrets
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from rig.errors import BadInput, ConfigError, NotFound
from rig.files import locked_folder, storage_errors, write_whole

FILE_NAME = "tokens.json"

_BYTES = 32
_PREFIX = "brickrig_"  # by which those who look for secrets in the wrong places know it
_MOST = 100
_NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$"


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time zone is missing")
    return moment


class Token(BaseModel):
    """What is kept of a token.

    Attributes:
        name: what its maker called it.
        sha256: of its text, in hexadecimal digits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=_NAME)
    created_at: Annotated[datetime, AfterValidator(_aware)]
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class _TokenFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    tokens: tuple[Token, ...] = Field(max_length=_MOST)


class TokenStore:
    """The tokens of a rig, in a file that another process may change at any time. Safe to share.

    Args:
        path: of the file; where there is none, there are no tokens, and nobody is let in by one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._tokens: tuple[Token, ...] = ()

    def create(self, name: str) -> str:
        """Make a token.

        Args:
            name: to know it by: a letter or digit, then up to 63 letters, digits, spaces, dots, lines.

        Returns:
            Its text, which is kept nowhere.

        Raises:
            BadInput: the name cannot be used, or there is one of that name.
            ConfigError: the file is damaged.
            StorageError: it cannot be written.
        """
        text = _PREFIX + secrets.token_urlsafe(_BYTES)
        try:
            token = Token(name=name, created_at=datetime.now(UTC), sha256=digest_of(text))
        except ValidationError:
            hint = "begin with a letter or digit; letters, digits, spaces and ._- may follow, 64 in all"
            raise BadInput(f"a token cannot be called {name!r}", hint=hint) from None
        with self._changing():
            tokens = self.all()
            if any(known.name == name for known in tokens):
                raise BadInput(
                    f"there is a token called {name!r} already",
                    hint=f'choose another name, or revoke it with: rig serve --revoke "{name}"',
                )
            if len(tokens) >= _MOST:
                raise BadInput(f"there are {_MOST} tokens, and no room for more", hint="revoke one")
            self._write((*tokens, token))
        return text

    def revoke(self, name: str) -> None:
        """Have a token open nothing any more; sessions that began with it end.

        Raises:
            NotFound: there is none of that name.
            ConfigError: the file is damaged.
            StorageError: it cannot be written.
        """
        with self._changing():
            tokens = self.all()
            kept = tuple(token for token in tokens if token.name != name)
            if len(kept) == len(tokens):
                raise NotFound(f"there is no token called {name!r}", hint="see: rig serve --tokens")
            self._write(kept)

    def all(self) -> tuple[Token, ...]:
        """The tokens, in the order they were made in.

        Raises:
            ConfigError: the file is damaged, or cannot be trusted.
        """
        with self._lock:
            try:
                status = self._path.stat()
            except FileNotFoundError:
                self._seen, self._tokens = None, ()
                return ()
            except OSError as error:
                raise self._unusable(f"cannot be read: {error.strerror}") from error
            seen = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode)
            if seen != self._seen:
                self._tokens = self._read(status.st_mode)
                self._seen = seen
            return self._tokens

    def find(self, text: str) -> Token | None:
        """The token that this is, or None. All are compared, each in constant time.

        Raises:
            ConfigError: the file is damaged.
        """
        digest = digest_of(text)
        found = None
        for token in self.all():
            if hmac.compare_digest(token.sha256, digest):
                found = token
        return found

    def is_valid(self, sha256: str) -> bool:
        """Whether a token that was found before still opens something.

        Raises:
            ConfigError: the file is damaged.
        """
        return any(token.sha256 == sha256 for token in self.all())

    def _read(self, mode: int) -> tuple[Token, ...]:
        if os.name == "posix" and mode & 0o022:
            raise self._unusable(
                "may be written by others, who could let themselves in", hint=f"chmod 600 {self._path}"
            )
        try:
            return _TokenFile.model_validate_json(self._path.read_bytes()).tokens
        except OSError as error:
            raise self._unusable(f"cannot be read: {error.strerror}") from error
        except ValidationError as error:
            raise self._unusable("is damaged") from error

    def _unusable(self, why: str, *, hint: str = "") -> ConfigError:
        otherwise = f"move {self._path} away, and make new tokens with: rig serve --new-token NAME"
        return ConfigError(f"{self._path} {why}", hint=hint or otherwise)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Keep other processes that change the file waiting: of two changes none is lost."""
        with storage_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with locked_folder(self._path.parent):
                yield

    def _write(self, tokens: tuple[Token, ...]) -> None:
        document = _TokenFile(version=1, tokens=tokens).model_dump_json(indent=2)
        write_whole(self._path, document.encode() + b"\n", mode=0o600)
        if sys.platform != "win32" and os.geteuid() == 0:
            # Made by root for a daemon that is not root: it has to read it.
            owner = self._path.parent.stat()
            os.chown(self._path, owner.st_uid, owner.st_gid)


def digest_of(text: str) -> str:
    """SHA-256 of a secret's text, in hexadecimal digits."""
    # What cannot be encoded is no secret of ours, and must not be an error of ours either.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
