"""The rig is at rest however its use ends: motors released, lamp off, sweeper drawn back, port given back."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.camera.frame import Camera, Frame
from rig.catalog import PartNumber
from rig.clock import Clock, LeapingClock, SystemClock
from rig.config import CameraConfig, Config, SerialConfig, ServoGateConfig, SimConfig, TurntableConfig
from rig.devices.axis import Microsteps
from rig.devices.operator import Subject
from rig.errors import CameraError, ConfigError, DeviceError, MarlinError, SerialPortError
from rig.machine import Machine
from rig.opening import open_machine
from rig.sim.drivetrain import Motion
from rig.sim.faults import Direction, Fault, FaultKind, FaultyBoard
from rig.sim.firmware import Firmware
from rig.sim.port import SimulatedPort
from rig.sim.ways import ServoChute, ServoExit
from rig.sim.world import World
from rig.vision.stillness import agree

pytestmark = pytest.mark.usefixtures("own_folder")

GATE = ServoGateConfig()
CONFIG = Config(actuator=GATE)
SMALL = CameraConfig(width_px=320, height_px=240)
LIGHT_PIN = CONFIG.light.pin or 0
SWEEPER = GATE.sweeper_servo
REST_DEG = GATE.sweeper_rest_deg
# Watches the lamp: it delays its commands by nothing, and notes them.
LAMP_WATCH = Fault(FaultKind.DELAY, Direction.TO_BOARD, rb"M42 P8", delay_s=0.0)
# The first step to rest, after the sweeper was drawn back as the machine was opened.
CABLE_PULLED_AT_THE_END = Fault(FaultKind.UNPLUG, Direction.TO_BOARD, rb"M280 P1 S10", at=2)


def test_a_table_may_be_watched_until_it_is_still() -> None:
    table = TurntableConfig(settle="until_still")
    config = Config(turntable=table, camera=SMALL, sim=SimConfig(enabled=True))
    with open_machine(config, ask=lambda sentence: None, seed=2) as machine:
        machine.operator.place(Subject(PartNumber("3001")), pose=0)
        stills = [machine.expose_from(Microsteps(800 * turn)) for turn in range(1, 4)]
        frames = [still.latent.develop() for still in stills]
        assert {still.settled_by for still in stills} == {"until_still"}
        for still, frame in zip(stills, frames, strict=True):
            # One frame is there to be compared with.
            assert frame.exposed_from_s >= still.motion_end_s + 1 / config.sim.frames_per_s
        # The same view once more, long after the table has come to rest.
        later = machine.look()
        assert agree(frames[-1].image, later.image)


def test_a_picture_that_never_comes_to_rest_is_one_clear_line() -> None:
    class Flickering:
        """A camera under a lamp that gives every other frame half of its light, in half of the picture."""

        def __init__(self, camera: Camera) -> None:
            self._camera = camera
            self._frames = 0

        def capture(self, not_before_s: float) -> Frame:
            frame = self._camera.capture(not_before_s)
            self._frames += 1
            frame.image[: frame.image.shape[0] // 2] >>= self._frames % 2
            return frame

    config = Config(
        turntable=TurntableConfig(settle="until_still"), camera=SMALL, sim=SimConfig(enabled=True)
    )
    with open_machine(config, ask=lambda sentence: None, seed=2) as machine:
        flickering = replace(machine, camera=Flickering(machine.camera))  # type: ignore[arg-type]
        with pytest.raises(DeviceError, match=r"still moves 3 s after the table has stopped") as error:
            flickering.expose_from(Microsteps(400))
    assert 'settle = "fixed"' in error.value.hint


class HecklingWorld(World):
    """While `signal_number` is set, whatever the board does has the process stopped with it."""

    signal_number: int | None = None
    heckled = 0

    def drive_table(self, motion: Motion) -> None:
        self._heckle()
        super().drive_table(motion)

    def release_motors(self, from_s: float) -> None:
        self._heckle()
        super().release_motors(from_s)

    def turn_servo(self, index: int, angle_deg: float) -> None:
        self._heckle()
        super().turn_servo(index, angle_deg)

    def write_pin(self, pin: int, value: int) -> None:
        self._heckle()
        super().write_pin(pin, value)

    def _heckle(self) -> None:
        if self.signal_number is not None:
            self.heckled += 1
            os.kill(os.getpid(), self.signal_number)


@dataclass
class Desk:
    """A board on a real port, a recording for a camera, and the world to look at afterwards."""

    recording: Path
    clock: Clock = field(default_factory=LeapingClock)
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        self.world = HecklingWorld(
            self.clock,
            microsteps_per_turn=CONFIG.turntable.microsteps_per_turn,
            exits=[ServoExit(SWEEPER, GATE.sweeper_push_deg)],
            chute=ServoChute(GATE.chute_servo),
            light_pin=LIGHT_PIN,
            feed_gap_s=0.5,
        )
        self.board = FaultyBoard(Firmware(self.world), self.faults, clock=self.clock)

    def use(self, use: Callable[[Machine], None], *, device: int | str | None = None) -> None:
        """Open the machine on this desk, use it, and leave it."""
        with SimulatedPort(self.world, board=self.board) as port:
            config = Config(
                serial=SerialConfig(port=port.url, boot_timeout_s=3.0, reply_timeout_s=2.5),
                camera=CameraConfig(device=str(self.recording) if device is None else device),
                turntable=TurntableConfig(speed_deg_s=45.0),
                actuator=GATE,
            )
            with open_machine(config, ask=lambda sentence: None, seed=0) as machine:
                # As in the middle of a drop.
                self.world.turn_servo(SWEEPER, GATE.sweeper_push_deg)
                use(machine)

    def is_at_rest(self) -> bool:
        lamp_off = self.world.pin(LIGHT_PIN) == 0
        return not self.world.motors_on() and lamp_off and self.world.servo_deg(SWEEPER) == REST_DEG


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A second of a grey table."""
    path = tmp_path / "table.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (64, 48))
    for _ in range(20):
        writer.write(np.full((48, 64, 3), 90, np.uint8))
    writer.release()
    return path


@pytest.fixture(autouse=True)
def terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM ends the tests' machine as it ends that of the command line, and handlers are given back."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    handlers = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    left = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    assert set(left.values()) == {stop}


def turn_a_quarter(machine: Machine) -> None:
    machine.turntable.move_to(90.0)


def test_in_use_the_motors_hold_and_the_lamp_is_on(recording: Path) -> None:
    desk = Desk(recording)
    seen: list[bool] = []

    def look(machine: Machine) -> None:
        turn_a_quarter(machine)
        seen.append(desk.world.motors_on() and desk.world.pin(LIGHT_PIN) == CONFIG.light.brightness)
        assert machine.look().image.shape == (48, 64, 3)

    desk.use(look)
    assert seen == [True]
    assert desk.is_at_rest()


def test_an_error_leaves_the_rig_at_rest_and_passes(recording: Path) -> None:
    desk = Desk(recording)

    def fail(machine: Machine) -> None:
        turn_a_quarter(machine)
        raise ValueError("of the user")

    with pytest.raises(ValueError, match="of the user") as caught:
        desk.use(fail)
    assert desk.is_at_rest()
    assert not hasattr(caught.value, "__notes__")


@pytest.mark.parametrize("again", [None, signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_in_the_middle_of_a_turn_lets_it_end_and_another_one_stops_it(
    recording: Path, again: signal.Signals | None
) -> None:
    """However many more come while the rig is put at rest."""
    desk = Desk(recording, clock=SystemClock())

    def interrupt_once_it_turns() -> None:
        while desk.world.table_angle_deg(desk.clock.monotonic()) < 5.0:
            desk.clock.sleep(0.005)
        desk.world.signal_number = again
        os.kill(os.getpid(), signal.SIGINT)
        if again is not None:
            desk.clock.sleep(0.3)
            os.kill(os.getpid(), again)

    watcher = threading.Thread(target=interrupt_once_it_turns)

    def turn(machine: Machine) -> None:
        watcher.start()
        machine.turntable.move_to(180.0)

    with pytest.raises(KeyboardInterrupt):
        desk.use(turn)
    watcher.join()
    assert desk.is_at_rest()
    turned_deg = desk.world.table_angle_deg(desk.clock.monotonic())
    assert turned_deg == 180.0 if again is None else 5.0 <= turned_deg < 90.0
    assert desk.world.heckled >= (0 if again is None else 4)


@pytest.mark.parametrize("first", [ValueError, None])
def test_an_interrupt_while_it_is_put_at_rest_is_raised_afterwards(
    recording: Path, first: type[BaseException] | None
) -> None:
    desk = Desk(recording)

    def stop(machine: Machine) -> None:
        turn_a_quarter(machine)
        desk.world.signal_number = signal.SIGINT
        if first is not None:
            raise first

    with pytest.raises(KeyboardInterrupt):
        desk.use(stop)
    assert desk.world.heckled >= 3
    assert desk.is_at_rest()


def test_what_could_not_be_put_at_rest_is_noted_on_the_interrupt(recording: Path) -> None:
    desk = Desk(recording, faults=(CABLE_PULLED_AT_THE_END,))

    def stop(machine: Machine) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        desk.use(stop)
    for deed in ("bring the actuator to rest", "switch the lamp off", "release the motors"):
        assert any(f"could not {deed}: " in note for note in caught.value.__notes__)
    assert not any("camera" in note for note in caught.value.__notes__)


def test_notes_survive_an_interrupt_that_comes_meanwhile(recording: Path) -> None:
    refused = Fault(FaultKind.GARBLE, Direction.TO_BOARD, rb"M18")
    desk = Desk(recording, faults=(refused,))

    def heckle(machine: Machine) -> None:
        desk.world.signal_number = signal.SIGINT

    with pytest.raises(KeyboardInterrupt) as caught:
        desk.use(heckle)
    assert [note for note in caught.value.__notes__ if "could not release the motors" in note]
    assert desk.world.pin(LIGHT_PIN) == 0


def test_a_step_that_fails_at_a_normal_end_is_the_error_and_stops_no_other(recording: Path) -> None:
    refused = Fault(FaultKind.GARBLE, Direction.TO_BOARD, rb"M18")
    desk = Desk(recording, faults=(refused,))
    with pytest.raises(MarlinError, match="M18"):
        desk.use(turn_a_quarter)
    assert desk.world.motors_on()
    assert desk.world.pin(LIGHT_PIN) == 0
    assert desk.world.servo_deg(SWEEPER) == REST_DEG


def test_a_step_that_fails_when_a_job_is_closed_is_the_error(recording: Path) -> None:
    """Nobody ever sees a GeneratorExit, so nothing may be lost on one."""
    desk = Desk(recording, faults=(CABLE_PULLED_AT_THE_END,))
    with SimulatedPort(desk.world, board=desk.board) as port:
        config = Config(
            serial=SerialConfig(port=port.url, reply_timeout_s=0.5),
            camera=CameraConfig(device=str(recording)),
        )

        def job() -> Iterator[str]:
            with open_machine(config, ask=lambda sentence: None, seed=0) as machine:
                yield machine.firmware

        running = job()
        assert "Marlin" in next(running)
        with pytest.raises(SerialPortError) as caught:
            running.close()  # type: ignore[attr-defined]
    assert any("switch the lamp off" in note for note in caught.value.__notes__)


def test_the_lamp_is_on_before_the_camera_starts(recording: Path) -> None:
    """A camera that balances its white when it starts must not do so in the dark."""
    desk = Desk(recording, faults=(LAMP_WATCH,))
    with pytest.raises(CameraError, match="/dev/video63"):
        desk.use(turn_a_quarter, device=63)
    handshake, on, off = (strike.line for strike in desk.board.strikes)
    assert b"S0" in handshake
    assert b"S255" in on
    assert b"S0" in off
    assert desk.is_at_rest()


def test_it_opens_and_closes_in_another_thread_than_the_main_one(recording: Path) -> None:
    desk = Desk(recording)
    thread = threading.Thread(target=lambda: desk.use(turn_a_quarter))
    thread.start()
    thread.join()
    assert desk.world.table_angle_deg(desk.clock.monotonic()) == pytest.approx(90.0, abs=0.1)
    assert desk.is_at_rest()


@pytest.mark.parametrize("end", [None, KeyboardInterrupt])
def test_the_simulated_desk_is_gone_after_its_use(end: type[BaseException] | None) -> None:
    config = Config(sim=SimConfig(enabled=True))

    def use() -> None:
        with open_machine(config, ask=lambda sentence: None, seed=7) as machine:
            assert machine.look().image.shape == (480, 640, 3)
            assert "simulated board_0" in {thread.name for thread in threading.enumerate()}
            if end is not None:
                raise end

    if end is None:
        use()
    else:
        with pytest.raises(end):
            use()
    assert "simulated board_0" not in {thread.name for thread in threading.enumerate()}


def test_a_rig_without_a_port_is_no_simulated_one() -> None:
    with (
        pytest.raises(ConfigError, match=r"serial\.port is empty"),
        open_machine(Config(), ask=lambda sentence: None, seed=0),
    ):
        pass
