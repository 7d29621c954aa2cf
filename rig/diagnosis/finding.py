"""What `rig doctor` found."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["good", "note", "bad"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        subject: what was looked at.
        verdict: "bad" keeps the rig from working, "note" keeps a part of it from working.
        found: what is there.
        advice: what to do; empty when nothing is to be done.
    """

    subject: str
    verdict: Verdict
    found: str
    advice: str = ""
