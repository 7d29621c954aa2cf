"""Runs a LEGO capture-and-sort rig: turntable, camera, recognition, actuator."""

__version__ = "0.1.0"
