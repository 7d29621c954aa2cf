"""What becomes of a damaged line, for any line and any seed."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from rig.sim import damage

LINES = st.binary(max_size=95).map(lambda text: text.replace(b"\n", b" ") + b"\n")
RNGS = st.integers(0, 2**32).map(Random)


@given(LINES, RNGS)
def test_dropping_takes_one_to_four_neighbours_away(line: bytes, rng: Random) -> None:
    damaged = damage.drop_bytes(line, rng)
    missing = len(line) - len(damaged)
    assert 1 <= missing <= 4
    assert any(damaged == line[:place] + line[place + missing :] for place in range(len(line)))


@given(LINES, RNGS)
def test_duplicating_repeats_one_to_four_neighbours(line: bytes, rng: Random) -> None:
    damaged = damage.duplicate_bytes(line, rng)
    more = len(damaged) - len(line)
    assert 1 <= more <= 4
    assert any(
        damaged == line[: place + more] + line[place:]
        for place in range(len(line))
        if place + more <= len(line)
    )


@given(LINES, RNGS)
def test_garbling_keeps_the_length_and_reaches_four_bytes_at_most(line: bytes, rng: Random) -> None:
    damaged = damage.garble_bytes(line, rng)
    assert len(damaged) == len(line)
    changed = [place for place, (a, b) in enumerate(zip(line, damaged, strict=True)) if a != b]
    assert not changed or changed[-1] - changed[0] < 4


@given(LINES, RNGS)
def test_the_parts_of_a_split_line_are_the_line(line: bytes, rng: Random) -> None:
    first, rest = damage.split(line, rng)
    assert first + rest == line
    assert first
    assert rest or len(line) == 1


@given(st.integers(0, 10**9), RNGS)
def test_a_corrupted_resend_has_one_digit_wrong(number: int, rng: Random) -> None:
    line = b"Resend: %d\n" % number
    damaged = damage.corrupt_resend(line, rng)
    changed = [(a, b) for a, b in zip(line, damaged, strict=True) if a != b]
    assert len(changed) == 1
    assert chr(changed[0][1]).isdecimal()
    assert damage.corrupt_resend(b"ok\n", rng) == b"ok\n"
