"""One process at a time runs a rig, and whoever comes second is told who came first."""

import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from rig.errors import RigBusy
from rig.owner import owners, owning

# Says what became of it, and keeps the rig until its input ends.
_CONTENDER = """
import sys
from rig.errors import RigBusy
from rig.owner import owning
sys.stdin.readline()
try:
    with owning(sys.argv[1]):
        print("first", flush=True)
        sys.stdin.readline()
except RigBusy as busy:
    print(busy.what, flush=True)
"""


@pytest.fixture
def rig(tmp_path: Path) -> str:
    return f"simulated in {tmp_path}"


def _contend(rig: str, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _CONTENDER, rig, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _say_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_of_many_that_begin_at_once_one_is_first_and_the_others_are_told_its_name(rig: str) -> None:
    for _ in range(3):
        with ExitStack() as stack:
            contenders = [stack.enter_context(_contend(rig, f"n{place}")) for place in range(6)]
            for contender in contenders:
                _say_go(contender)
            said = [_heard(contender) for contender in contenders]
            assert said.count("first") == 1
            first = contenders[said.index("first")]
            command = f"rig {rig} n{said.index('first')}"
            refusal = f"the rig is in use by: {command} (process {first.pid})"
            assert [line for line in said if line != "first"] == [refusal] * 5
            assert [owner.pid for owner in owners(rig)] == [first.pid]
            _say_go(first)


def test_a_rig_whose_process_was_killed_is_free(rig: str) -> None:
    with _contend(rig, "killed") as killed:
        _say_go(killed)
        assert _heard(killed) == "first"
        killed.kill()
    with owning(rig):
        pass
    with owning(rig):
        pass


def test_another_rig_is_another_matter(rig: str) -> None:
    with owning(rig), owning(f"{rig}/there"):
        pass


def test_a_second_job_of_the_same_process_is_refused_too(rig: str) -> None:
    refused: list[str] = []

    def second() -> None:
        with pytest.raises(RigBusy) as busy, owning(rig):
            pass
        refused.append(busy.value.what)
        assert "rig stop" in busy.value.hint

    with owning(rig):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert f"(process {os.getpid()})" in refused[0]


# As a unit with ProtectHome=yes sees it: there is a /run/user, and nobody may look into it.
_AS_A_SERVICE = """
import os, subprocess, sys
from rig.owner import owners, owning
subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=000", "tmpfs", "/run/user"], check=True)
subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/tmp"], check=True)
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
with owning("a rig"):
    print(owners("a rig"), os.listdir("/tmp"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs mount namespaces")
def test_a_service_that_may_not_look_into_run_user_says_who_it_is_all_the_same() -> None:
    if subprocess.run(["unshare", "--mount", "test", "-d", "/run/user"], capture_output=True).returncode:
        pytest.skip("needs root, and a /run/user to hide")
    done = subprocess.run(
        ["unshare", "--mount", sys.executable, "-c", _AS_A_SERVICE], capture_output=True, text=True, cwd="/"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "[] ['brickrig-65534']\n"
