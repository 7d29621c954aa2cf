"""How long a plan for many classes takes, and how many touches it saves."""

import time
from collections.abc import Iterator

from rig.catalog import PartNumber
from rig.sorting.planning import chunked_plan, optimal_plan
from tests.benchmarks.figure import Figure

_LIMIT_S = 10.0
_CLASSES, _BINS = 1000, 18
_MOST_FREQUENT = 20_000


def planning() -> Iterator[Figure]:
    """The n-th part is as frequent as 1/n (Zipf's law); the peer fills all bins alike."""
    counts = {PartNumber(f"{3001 + place}"): _MOST_FREQUENT // (place + 1) for place in range(_CLASSES)}
    bins = [f"{place + 1}" for place in range(_BINS)]
    started_s = time.perf_counter()
    plan = optimal_plan(counts, bins)
    took_s = time.perf_counter() - started_s
    peer = chunked_plan(counts, bins)
    yield Figure(
        f"a plan for {_CLASSES} classes, {_BINS} bins",
        f"{took_s:.2f} s",
        f"{_LIMIT_S:g} s",
        _LIMIT_S / took_s,
    )
    yield Figure(
        "touches a part by that plan",
        f"{plan.touches_a_part:.2f} in {len(plan.passes)} passes",
        f"{peer.touches_a_part:.2f} in {len(peer.passes)} passes, equal bins by part number",
        peer.touches / plan.touches,
    )


if __name__ == "__main__":
    for figure in planning():
        print(figure)
