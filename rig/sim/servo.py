"""Hobby servos: the pulse widths that Marlin makes of an M280, measured on 2.1.2.7."""

import numpy as np

# From here on, the number of an M280 is a pulse width and no angle.
LEAST_PULSE_US = 544.0

_MEASURED_DEG = (0.0, 90.0, 180.0)
_MEASURED_US = (546.0, 1475.0, 2402.0)


def pulse_us(angle_deg: float) -> int:
    """The pulse width for an angle, 0 to 180 degrees; between the three measured ones, a straight line."""
    return round(float(np.interp(angle_deg, _MEASURED_DEG, _MEASURED_US)))


def angle_deg(setting: float) -> float:
    """The angle, 0 to 180 degrees, that the number S of an M280 stands for: degrees or microseconds."""
    if setting >= LEAST_PULSE_US:
        return float(np.interp(setting, _MEASURED_US, _MEASURED_DEG))
    return min(max(setting, 0.0), 180.0)
