"""`rig service` on a tree: every file, twice, halfway, and gone again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import Shell
from tests.acceptance.real_rig import terminal
from tests.daemon.killing import contents

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="services are for systemd")

UNIT = "etc/systemd/system/brickrig.service"
WANTED = "etc/systemd/system/multi-user.target.wants/brickrig.service"
RULES = "etc/udev/rules.d/70-brickrig.rules"
SYSUSERS = "etc/sysusers.d/brickrig.conf"
COMMAND = "usr/local/bin/rig"
DATA = "var/lib/brickrig"
CONFIG = f"{DATA}/rig.toml"


@pytest.fixture
def tree(shell: Shell) -> Path:
    tree = shell.folder / "tree"
    tree.mkdir()
    return tree


def _install(shell: Shell, *more: str) -> list[str]:
    """Install into the tree; returns what had to be done."""
    said = shell.json("service", "install", "--root", "tree", "--yes", *more)
    assert said["done"]
    return [move["does"] for move in said["moves"] if move["needed"]]


def _uninstall(shell: Shell, *more: str) -> list[str]:
    said = shell.json("service", "uninstall", "--root", "tree", "--yes", *more)
    return [move["does"] for move in said["moves"] if move["needed"]]


def _inodes(tree: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in tree.rglob("*")}


def test_every_file_is_there_with_its_mode_whatever_the_umask(shell: Shell, tree: Path) -> None:
    (shell.folder / "rig.toml").write_text("[sim]\nenabled = true\n")
    before = os.umask(0o077)
    try:
        _install(shell)
    finally:
        os.umask(before)
    made = contents(tree)
    modes = {name: mode & 0o7777 for name, (mode, _) in made.items()}
    assert modes == {UNIT: 0o644, WANTED: 0, RULES: 0o644, SYSUSERS: 0o644, COMMAND: 0, CONFIG: 0o640}
    assert made[WANTED][1] == "../brickrig.service"
    assert made[COMMAND][1] == "/opt/brickrig/current/bin/rig"
    assert made[CONFIG][1] == "[sim]\nenabled = true\n"
    assert "User=brickrig\n" in made[UNIT][1]
    folders = {path: path.stat().st_mode & 0o7777 for path in tree.rglob("*") if path.is_dir()}
    assert folders.pop(tree / DATA) == 0o750
    assert set(folders.values()) == {0o755}


def test_a_second_installation_finds_nothing_to_do(shell: Shell, tree: Path) -> None:
    assert len(_install(shell)) > 4
    before = _inodes(tree)
    assert _install(shell) == []
    assert _inodes(tree) == before


def test_what_was_changed_is_put_right_and_an_own_rig_toml_stays(shell: Shell, tree: Path) -> None:
    _install(shell)
    whole = contents(tree)
    (shell.folder / "rig.toml").write_text("[sim]\nenabled = true\n")
    (tree / CONFIG).write_text("# mine\n")
    (tree / UNIT).write_text("[Service]\nExecStart=/bin/false\n")
    (tree / RULES).chmod(0o666)
    (tree / WANTED).unlink()
    (tree / COMMAND).unlink()
    assert len(_install(shell)) == 5  # and earlier environments, if there are any
    assert contents(tree) == {**whole, CONFIG: ((tree / CONFIG).stat().st_mode, "# mine\n")}


def test_uninstalling_leaves_nothing_of_it_but_what_the_daemon_has_kept(shell: Shell, tree: Path) -> None:
    (tree / "etc").mkdir()
    (tree / "etc" / "hostname").write_text("rig\n")
    _install(shell)
    assert "Remove /var/lib/brickrig if nothing is in it" in _uninstall(shell)
    assert list(contents(tree)) == ["etc/hostname"]
    assert not (tree / DATA).exists()
    assert _uninstall(shell) == []

    _install(shell)
    (tree / DATA / "captures").mkdir()
    (tree / DATA / "captures" / "metadata.jsonl").write_text("{}\n")
    _uninstall(shell)
    assert list(contents(tree)) == ["etc/hostname", f"{DATA}/captures/metadata.jsonl"]
    _uninstall(shell, "--purge")
    assert list(contents(tree)) == ["etc/hostname"]
    assert not (tree / DATA).exists()


def test_another_program_of_that_name_stays(shell: Shell, tree: Path) -> None:
    (tree / "usr/local/bin").mkdir(parents=True)
    (tree / COMMAND).write_text("#!/bin/sh\n")
    said = shell.json("service", "install", "--root", "tree", "--yes")
    assert any("is another program and stays" in remark for remark in said["remarks"])
    _uninstall(shell)
    assert (tree / COMMAND).read_text() == "#!/bin/sh\n"


def test_a_rig_toml_that_would_not_load_stops_it_before_anything_is_done(shell: Shell, tree: Path) -> None:
    (shell.folder / "mine.toml").write_text("[turntable]\nspeed = 3\n")
    said = shell.fails("service", "install", "--root", "tree", "--yes", "--config", "mine.toml")
    assert "mine.toml: turntable.speed" in said
    assert contents(tree) == {}


def test_what_a_rig_toml_names_and_the_daemon_would_not_find_is_told(shell: Shell, tree: Path) -> None:
    (shell.folder / "rig.toml").write_text(
        '[sorting]\ncategories = "parts.csv"\n[paths]\ncaptures = "/srv/captures"\n'
        '[daemon]\ntls_cert = "/etc/ssl/rig.pem"\ntls_key = "/home/ann/rig.key"\n'
        '[mqtt]\nuser = "rig"\npassword_file = "password"\n'
        '[[bins]]\nname = "reject"\nrest = true\nchute_deg = 0\n'
    )
    remarks = shell.json("service", "install", "--root", "tree", "--dry-run")["remarks"]
    assert any(remark.startswith("captures = /srv/captures in [paths] is outside") for remark in remarks)
    assert "Not copied, and looked for in /var/lib/brickrig: parts.csv, password." in remarks
    assert "In somebody's home, which the service does not see: /home/ann/rig.key." in remarks
    assert contents(tree) == {}


def test_a_dry_run_says_everything_and_does_nothing(shell: Shell, tree: Path) -> None:
    done = shell.run("service", "install", "--root", "tree", "--dry-run")
    assert done.returncode == 0
    for name in (UNIT, RULES, SYSUSERS):
        assert f"Write /{name}" in done.stdout
    assert contents(tree) == {}


def test_nobody_is_taken_to_have_said_yes(shell: Shell, tree: Path) -> None:
    assert "--yes" in shell.fails("service", "install", "--root", "tree")
    assert contents(tree) == {}


@pytest.mark.parametrize(
    "words", ["--root nowhere", "--root tree --user root", "--root tree --board /dev/null", "--root rig.toml"]
)
def test_what_cannot_be_meant_is_one_line(shell: Shell, tree: Path, words: str) -> None:
    (shell.folder / "rig.toml").write_text("")
    shell.fails("service", "install", "--yes", *words.split())
    assert contents(tree) == {}


def test_a_person_reads_the_plan_and_says_yes_or_no(shell: Shell, tree: Path) -> None:
    with terminal(shell.folder, "service", "install", "--root", "tree") as person:
        person.await_text("Write /etc/systemd/system/brickrig.service: the hardened unit")
        person.await_text("Shall all of this be done? (yes, no)")
        assert contents(tree) == {}
        person.type_line("no")
        assert person.end() == 1
        assert "Nothing was changed." in person.text
    assert contents(tree) == {}
    with terminal(shell.folder, "service", "install", "--root", "tree") as person:
        person.await_text("Shall all of this be done? (yes, no)")
        person.type_line("yes")
        assert person.end() == 0
    assert UNIT in contents(tree)


# Everything is imported while it may still be read; then it is a user like any other.
_AS_NOBODY = """
import os, sys
import rig.cli.main, rig.config, rig.daemon.service.install, rig.daemon.service.udev
import rig.daemon.service.uninstall, serial.tools.list_ports
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
rig.cli.main.main()
"""


@pytest.mark.parametrize("words", ["install", "uninstall --purge"])
def test_without_root_it_is_one_clear_line(tmp_path: Path, words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, "service", *words.split(), "--yes"],
        capture_output=True,
        text=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "rig: only root may install or remove a service"
    assert done.stderr.splitlines()[1].strip().startswith("run: sudo ")
    assert len(done.stderr.splitlines()) == 2
