"""What noise, a loose contact or a full buffer make of a line; all of it drawn from a random generator."""

import re
from random import Random

# How many bytes one burst of noise reaches.
_LONGEST_BURST = 4
_RESEND = re.compile(rb"(?<=Resend: )\d+")


def flip_a_bit(line: bytes, rng: Random) -> bytes:
    """One bit of one byte flipped; the newline stays."""
    damaged = bytearray(line)
    place = rng.randrange(max(1, len(line) - 1))
    # Flipping one of these never makes a newline of a printable character.
    damaged[place] ^= rng.choice((1, 2, 4, 16, 128))
    return bytes(damaged)


def drop_bytes(line: bytes, rng: Random) -> bytes:
    """A few neighbouring bytes are gone, perhaps the newline too."""
    start, end = _burst(line, rng)
    return line[:start] + line[end:]


def duplicate_bytes(line: bytes, rng: Random) -> bytes:
    """A few neighbouring bytes come twice."""
    start, end = _burst(line, rng)
    return line[:end] + line[start:]


def garble_bytes(line: bytes, rng: Random) -> bytes:
    """A few neighbouring bytes turn into any others, newlines and bytes that are no text among them."""
    start, end = _burst(line, rng)
    return line[:start] + rng.randbytes(end - start) + line[end:]


def split(line: bytes, rng: Random) -> tuple[bytes, bytes]:
    """Two parts of a line, neither of them empty if the line has two bytes."""
    place = rng.randrange(1, max(2, len(line)))
    return line[:place], line[place:]


def corrupt_resend(line: bytes, rng: Random) -> bytes:
    """A `Resend: n` with one digit of n wrong, as `034497` for `134497`; any other line as it was."""
    number = _RESEND.search(line)
    if number is None:
        return line
    place = rng.randrange(*number.span())
    wrong = rng.choice([digit for digit in b"0123456789" if digit != line[place]])
    return line[:place] + bytes((wrong,)) + line[place + 1 :]


def _burst(line: bytes, rng: Random) -> tuple[int, int]:
    start = rng.randrange(len(line))
    return start, min(len(line), start + rng.randint(1, _LONGEST_BURST))
