"""`rig serve --new-token`, `--tokens` and `--revoke`, as a person and as a script sees them."""

import json
from pathlib import Path

import pytest

from rig.cli.serve_tokens import list_tokens, new_token, revoke_token
from rig.cli.settings import Settings
from rig.daemon.tokens import TokenStore
from rig.errors import ConfigError, NotFound

PERSON = Settings(config_path=None, force_sim=False, as_json=False, debug=False)
SCRIPT = Settings(config_path=None, force_sim=False, as_json=True, debug=False)


def test_a_person_is_shown_a_token_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new_token(PERSON, tmp_path, "phone")
    shown = capsys.readouterr()
    text = shown.out.strip()
    assert "shown this once" in shown.err
    assert text not in shown.err
    assert TokenStore(tmp_path / "tokens.json").find(text)
    list_tokens(PERSON, tmp_path)
    listed = capsys.readouterr()
    assert "phone" in listed.out
    assert text not in listed.out + listed.err


def test_a_script_gets_documents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new_token(SCRIPT, tmp_path, "Home Assistant")
    made = json.loads(capsys.readouterr().out)
    assert made["name"] == "Home Assistant"
    store = TokenStore(tmp_path / "tokens.json")
    assert store.find(made["token"])
    list_tokens(SCRIPT, tmp_path)
    (listed,) = json.loads(capsys.readouterr().out)["tokens"]
    assert listed.keys() == {"name", "created_at"}
    revoke_token(SCRIPT, tmp_path, "Home Assistant")
    assert json.loads(capsys.readouterr().out) == {"revoked": "Home Assistant"}
    assert store.all() == ()


def test_where_there_is_none_it_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    list_tokens(PERSON, tmp_path)
    assert "Make one with: rig serve --new-token NAME" in capsys.readouterr().err
    with pytest.raises(NotFound):
        revoke_token(PERSON, tmp_path, "phone")


def test_a_damaged_file_is_never_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text("")
    with pytest.raises(ConfigError, match="is damaged"):
        list_tokens(PERSON, tmp_path)
    for use in (new_token, revoke_token):
        with pytest.raises(ConfigError, match="is damaged"):
            use(PERSON, tmp_path, "phone")
