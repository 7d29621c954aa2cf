"""What is there and what is not: software, configuration, ports, camera, board, folders, model."""

import platform
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from serial.tools.list_ports import comports

from rig.camera.choice import camera_for
from rig.camera.frame import Frame
from rig.clock import SystemClock
from rig.config import Config
from rig.diagnosis.finding import Finding, Verdict
from rig.errors import RigError
from rig.opening import open_machine
from rig.remote import Daemon, find_daemon
from rig.shelf import default_bundle
from rig.vision.classifier import Classifier
from rig.vision.locate import locate


def diagnose(config: Config, origin: str, *, anywhere: bool = False) -> Iterator[Finding]:
    """Look at versions, configuration, serial ports, camera, board, folders and model, one after the other.

    What a daemon has is left to it: it is asked how that is.

    Args:
        config: what was loaded.
        origin: where it came from, in words.
        anywhere: the rig of the installed service is meant, too.
    """
    yield _python()
    yield from _packages()
    yield Finding("configuration", "good", origin)
    yield _serial_ports(config)
    yield from _desk(config, anywhere=anywhere)
    yield from (_folder(name, path) for name, path in config.paths)
    yield _attempt("model", lambda: _model(config), "note")


def _desk(config: Config, *, anywhere: bool) -> Iterator[Finding]:
    try:
        daemon = find_daemon(config, anywhere=anywhere)
        if daemon is not None:
            yield from _of_daemon(daemon)
            return
    except RigError as error:
        yield Finding("daemon", "bad", error.what, error.hint)
        return
    if not config.sim.enabled:
        yield _attempt("camera", lambda: _camera(config), "bad")
        if not config.serial.port:
            # That none is chosen is said beside the ports that there are.
            return
    yield _attempt("rig", lambda: _machine(config), "bad")


def _of_daemon(daemon: Daemon) -> Iterator[Finding]:
    kind = "simulated" if daemon.is_simulated else "real"
    yield Finding("daemon", "good", f"it has the {kind} rig (process {daemon.pid}, in {daemon.folder})")
    status, said, hint = daemon.board
    found = f"the daemon says that the board is {status}{f': {said}' if said else ''}"
    if status == "ready":
        yield Finding("rig", "good", found)
    else:
        yield Finding("rig", "note" if status == "connecting" else "bad", found, hint)


def _python() -> Finding:
    found = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if (3, 11) <= sys.version_info < (3, 14):
        return Finding("python", "good", found)
    return Finding("python", "bad", found, "use Python 3.11, 3.12 or 3.13")


def _packages() -> Iterator[Finding]:
    wanted = ("brickrig", "numpy", "opencv-python-headless", "pyserial", "pydantic", "typer")
    yield Finding("packages", "good", ", ".join(f"{name} {version(name)}" for name in wanted))
    yield _one_of("inference", ("ai-edge-litert", "tflite-runtime"), "bad", "pip install ai-edge-litert")
    yield _one_of("training", ("tensorflow",), "note", "to train here: pip install 'brickrig[train]'")


def _one_of(subject: str, names: tuple[str, ...], verdict: Verdict, advice: str) -> Finding:
    for name in names:
        try:
            return Finding(subject, "good", f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return Finding(subject, verdict, f"{' or '.join(names)} is not installed", advice)


def _serial_ports(config: Config) -> Finding:
    ports = sorted(port.device for port in comports())
    found = ", ".join(ports) or "none"
    if config.sim.enabled:
        return Finding("serial ports", "good", f"{found} (not needed: simulated)")
    if not config.serial.port:
        advice = (
            "plug the board in, and set port under [serial] in rig.toml to the port that is new here then"
        )
        return Finding("serial ports", "bad", f"{found}; none is chosen: serial.port is empty", advice)
    return Finding("serial ports", "good", f"{found}; chosen: {config.serial.port}")


def _camera(config: Config) -> Finding:
    camera = camera_for(config.camera)
    try:
        camera.start()
        frame = camera.capture(SystemClock().monotonic())
        return Finding("camera", "good", f"{camera.describe()}; {_seen(frame)}")
    finally:
        camera.close()


def _machine(config: Config) -> Finding:
    with open_machine(config, ask=lambda sentence: None, seed=0) as machine:
        found = f"{machine.firmware}; {machine.camera.describe()}; {_seen(machine.look())}"
    return Finding("rig", "good", found)


def _seen(frame: Frame) -> str:
    height, width = frame.image.shape[:2]
    what = "the table is empty" if locate(frame.image) is None else "something lies on the table"
    return f"a picture of {width}x{height}, {what}"


def _model(config: Config) -> Finding:
    bundle = default_bundle(config.paths.models)
    Classifier(bundle)
    return Finding("model", "good", f"{bundle.name}, {len(bundle.card.labels)} parts")


def _folder(name: str, path: Path) -> Finding:
    subject = f"folder for {name}"
    nearest = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    try:
        probe = nearest / f".rig-doctor-{platform.node()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        return Finding(
            subject, "bad", f"{path} cannot be written: {error.strerror}", "check its owner and permissions"
        )
    return Finding(subject, "good", str(path) if path.exists() else f"{path} (will be made)")


def _attempt(subject: str, look: Callable[[], Finding], verdict: Verdict) -> Finding:
    try:
        return look()
    except RigError as error:
        return Finding(subject, verdict, error.what, error.hint)
