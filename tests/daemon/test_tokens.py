"""The file of tokens: what is in it, who may read it, and what becomes of it when things go wrong."""

import hashlib
import hmac
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

import pytest

from rig.daemon.door import Listener, who_may_come
from rig.daemon.tokens import TokenStore
from rig.errors import BadInput, ConfigError, NotFound, StorageError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "daemon" / "tokens.json"


def test_a_token_has_256_bits_and_is_never_the_same(path: Path) -> None:
    store = TokenStore(path)
    made = [store.create(f"token {number}") for number in range(20)]
    assert len(set(made)) == 20
    # 43 characters of 6 bits each, behind what says what it is.
    assert {len(text.removeprefix("brickrig_")) for text in made} == {43}


def test_only_its_hash_is_kept_with_name_and_time(path: Path) -> None:
    before = datetime.now(UTC)
    text = TokenStore(path).create("Annas phone")
    content = path.read_text()
    assert text not in content
    assert text.removeprefix("brickrig_") not in content
    (kept,) = json.loads(content)["tokens"]
    assert kept.keys() == {"name", "created_at", "sha256"}
    assert kept["name"] == "Annas phone"
    assert kept["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert before <= datetime.fromisoformat(kept["created_at"]) <= datetime.now(UTC)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_nobody_else_may_read_the_file(path: Path, umask: int) -> None:
    path.parent.mkdir()
    before = os.umask(umask)
    try:
        store = TokenStore(path)
        store.create("phone")
        store.create("tablet")
        store.revoke("phone")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["tokens.json"]


def test_tokens_are_listed_and_revoked_by_name(path: Path) -> None:
    store = TokenStore(path)
    assert store.all() == ()
    texts = {name: store.create(name) for name in ("phone", "tablet", "Home Assistant 2")}
    assert [token.name for token in store.all()] == list(texts)
    assert store.all()[0].created_at - datetime.now(UTC) < timedelta(minutes=1)
    store.revoke("tablet")
    assert [token.name for token in store.all()] == ["phone", "Home Assistant 2"]
    assert store.find(texts["tablet"]) is None
    found = store.find(texts["phone"])
    assert found is not None
    assert found.name == "phone"
    with pytest.raises(NotFound, match="no token called 'tablet'"):
        store.revoke("tablet")


@pytest.mark.parametrize("name", ["", " phone", "-phone", "pho\nne", "ph/one", "x" * 65, "téléphone", "a\0"])
def test_a_name_that_could_be_misread_is_refused(path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be called"):
        TokenStore(path).create(name)
    assert not path.exists()


def test_a_name_is_given_once(path: Path) -> None:
    store = TokenStore(path)
    text = store.create("phone")
    with pytest.raises(BadInput, match="called 'phone' already"):
        store.create("phone")
    assert store.find(text)


def test_what_another_process_changes_counts_at_once(path: Path) -> None:
    here, there = TokenStore(path), TokenStore(path)
    assert here.find("nothing yet") is None
    text = there.create("phone")
    found = here.find(text)
    assert found is not None
    assert here.is_valid(found.sha256)
    there.revoke("phone")
    assert here.find(text) is None
    assert not here.is_valid(found.sha256)
    path.unlink()
    assert here.all() == ()


def test_of_tokens_made_at_once_none_is_lost(path: Path) -> None:
    with ThreadPoolExecutor(10) as pool:
        texts = list(pool.map(lambda number: TokenStore(path).create(f"token {number}"), range(30)))
    store = TokenStore(path)
    assert all(store.find(text) for text in texts)


_GOOD = {"name": "phone", "created_at": "2026-11-30T12:00:00Z", "sha256": "0" * 64}


def _file(**changes: object) -> bytes:
    return json.dumps({"version": 1, "tokens": [{**_GOOD, **changes}]}).encode()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b"\xff\xfe", b'{"version": 2, "tokens": []}', b'{"tokens": null}',
     b'{"token": []}', _file(sha256=""), _file(sha256="0" * 63), _file(sha256=None),
     _file(created_at="yesterday"), _file(created_at="2026-11-30T12:00:00"), _file(name=""), _file(more=1),
     _file()[:-4]],
)  # fmt: skip
@pytest.mark.parametrize(
    "use",
    [
        TokenStore.all,
        lambda store: store.find("anything"),
        lambda store: store.is_valid("0" * 64),
        lambda store: store.create("another"),
        lambda store: store.revoke("phone"),
        lambda store: who_may_come(Listener("0.0.0.0"), store),
    ],
    ids=["all", "find", "is_valid", "create", "revoke", "start"],
)
def test_a_damaged_file_is_one_clear_error(
    path: Path, content: bytes, use: Callable[[TokenStore], object]
) -> None:
    store = TokenStore(path)
    store.create("before")
    assert store.all()  # what was known of it before counts no more
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"tokens\.json is damaged") as caught:
            use(store)
        assert caught.value.hint == f"move {path} away, and make new tokens with: rig serve --new-token NAME"
    assert path.read_bytes() == content


def test_the_examples_of_damage_are_damaged_in_one_thing_only(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(_file())
    path.chmod(0o600)
    assert [token.name for token in TokenStore(path).all()] == ["phone"]


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_not_believed(path: Path, mode: int) -> None:
    store = TokenStore(path)
    text = store.create("phone")
    path.chmod(mode)
    with pytest.raises(ConfigError, match="may be written by others") as caught:
        store.find(text)
    assert caught.value.hint == f"chmod 600 {path}"
    path.chmod(0o640)
    assert store.find(text)


def test_a_folder_in_its_place_is_no_empty_list(path: Path) -> None:
    path.mkdir(parents=True)
    path.chmod(0o700)
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        TokenStore(path).all()


def test_where_nothing_can_be_written_the_error_says_so(tmp_path: Path) -> None:
    (tmp_path / "daemon").write_text("a file")
    with pytest.raises(StorageError, match="cannot be written"):
        TokenStore(tmp_path / "daemon" / "tokens.json").create("phone")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files that belong to others")
def test_what_root_makes_the_daemons_user_can_read(path: Path) -> None:
    path.parent.mkdir()
    os.chown(path.parent, 4321, 4322)
    TokenStore(path).create("phone")
    status = path.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (4321, 4322, 0o600)


@pytest.mark.parametrize("which", ["first", "last", "none"])
def test_all_tokens_are_compared_each_in_constant_time(path: Path, which: str) -> None:
    """Seen from the interpreter: how often its own comparison in constant time is called."""
    store = TokenStore(path)
    texts = [store.create(f"token {number}") for number in range(5)]
    shown = {"first": texts[0], "last": texts[-1], "none": "brickrig_wrong"}[which]
    calls = 0

    def count(frame: FrameType, event: str, called: object) -> None:
        nonlocal calls
        calls += event == "c_call" and called is hmac.compare_digest

    sys.setprofile(count)
    try:
        found = store.find(shown)
    finally:
        sys.setprofile(None)
    assert (found is not None) == (which != "none")
    assert calls == 5


def test_the_daemon_says_who_may_come(path: Path) -> None:
    store = TokenStore(path)
    for near in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        assert "no token is needed" in who_may_come(Listener(near), store)
    for far in ("0.0.0.0", "::", "192.168.1.5", "fe80::1", "brickrig.local"):
        with pytest.raises(ConfigError, match="there is no token") as caught:
            who_may_come(Listener(far), store)
        assert "rig serve --new-token NAME" in caught.value.hint
    store.create("phone")
    assert (
        who_may_come(Listener("0.0.0.0"), store)
        == "Other computers reach 0.0.0.0: everybody needs a token there."
    )
