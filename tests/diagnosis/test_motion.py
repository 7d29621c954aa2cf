"""First motion to its end, on the simulated rig, with every kind of actuator."""

import pytest

from rig.bin_config import BinConfig
from rig.config import (
    ActuatorConfig,
    AirJetsConfig,
    Config,
    GcodeConfig,
    LightConfig,
    ServoGateConfig,
    SimConfig,
    StepperChuteConfig,
)
from rig.diagnosis.motion import exercise

SUBJECTS = ["firmware", "table", "live angle", "quick stop", "lamp", "actuator", "rest"]
RIGS: dict[str, tuple[ActuatorConfig, BinConfig]] = {
    "servo gate": (ServoGateConfig(), BinConfig(name="reject", chute_deg=30)),
    "stepper chute": (StepperChuteConfig(home="endstop"), BinConfig(name="reject", chute_deg=-90)),
    "air jets": (AirJetsConfig(), BinConfig(name="reject", jet_pin=10)),
    "g-code": (GcodeConfig(rest=("M280 P0 S0",)), BinConfig(name="reject", gcode=("M280 P0 S90",))),
}


def rig_with(actuator: ActuatorConfig, target: BinConfig, *, faults: str = "") -> Config:
    return Config(actuator=actuator, bins=(target,), sim=SimConfig(enabled=True, faults=faults))


@pytest.mark.parametrize("kind", RIGS)
def test_everything_that_moves_is_moved_and_comes_to_rest(kind: str) -> None:
    findings = list(exercise(rig_with(*RIGS[kind])))
    assert [finding.subject for finding in findings] == SUBJECTS
    # How well the live angle is known depends on how busy this computer is.
    assert {finding.verdict for finding in findings if finding.subject != "live angle"} == {"good"}


def test_a_lamp_that_is_always_on_is_no_fault() -> None:
    config = rig_with(*RIGS["servo gate"]).model_copy(update={"light": LightConfig(pin=None)})
    assert "none to switch" in [finding.found for finding in exercise(config)]


def test_a_board_that_restarts_in_the_middle_is_the_last_finding() -> None:
    *_, last = exercise(rig_with(*RIGS["servo gate"], faults="reset-in-a-move"))
    assert (last.subject, last.verdict) == ("motion", "bad")
    assert "restarted" in last.found
    assert "power supply" in last.advice
