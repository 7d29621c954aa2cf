"""How sure one must be to sort a part, after each number of looks: found on the trials of held-out parts.

Optimal stopping, backwards. After the last look a part can only be sorted or rejected: what each threshold
would have cost on the trials is counted, and the cheapest is taken. With that, it is known for each trial
what a further look after the look before would have cost, and so the cheapest two thresholds there are found:
below one reject, from the other on sort, look again in between. And so on to the first look. Every trial
counts at every look, also where the part would have been sorted before: how sure one is by now is taken to
tell all that earlier looks said.

A part that one is p sure of is counted as 1 - p of an error, since that is what training has calibrated p to
mean. The few errors that really occurred among some dozens of held-out parts say less: counting those
instead cost more on new parts, with each model and all costs that were tried (docs/sorting.md). They are what
the forecast counts, so that a p that does not mean what it says is seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from rig.looks import Looks

Floats = NDArray[np.float64]

# How finely trials are kept: what says 0.93 of them was anything from there to just below 0.9301.
_GRAIN = 1e-4


class Verdict(Enum):
    """What to do with the part."""

    SORT = auto()
    LOOK_AGAIN = auto()
    REJECT = auto()


@dataclass(frozen=True)
class Rule:
    """Thresholds for the probability of the best candidate.

    Attributes:
        sort_from: from here on, sort; above 1 where that never pays.
        reject_below: below this, reject; at most `sort_from`. In between, look again.
    """

    sort_from: float
    reject_below: float

    def verdict(self, sure: float) -> Verdict:
        """Of a part that is so likely what it is taken for."""
        if sure >= self.sort_from:
            return Verdict.SORT
        return Verdict.REJECT if sure < self.reject_below else Verdict.LOOK_AGAIN


@dataclass(frozen=True)
class Costs:
    """What a part in a wrong bin, a part in the reject bin, and another look cost, in any one unit."""

    wrong_bin: float
    reject: float
    look: float

    @property
    def sure_enough(self) -> float:
        """Chow's rule (1970): sort where an error is less likely than it is dearer than a reject."""
        return 1 - self.reject / self.wrong_bin


@dataclass(frozen=True)
class HeldOut:
    """Trials of held-out parts.

    Attributes:
        sure: (trials, looks), probability of the best candidate after each look.
        right: (trials, looks) bool, whether that was the part.
        parts: so many physical parts or sessions they are of.
    """

    sure: Floats
    right: NDArray[np.bool_]
    parts: int

    @classmethod
    def of(cls, looks: Looks, most: int) -> "HeldOut":
        """The first `most` looks of what a card keeps, or as many as it has."""
        return cls(looks.sure[:, :most], looks.right[:, :most], looks.parts)

    @property
    def looks(self) -> int:
        """Of each trial."""
        return int(self.sure.shape[1])


@dataclass(frozen=True)
class Forecast:
    """What rules come to on held-out parts.

    Attributes:
        parts: so many physical parts or sessions it stands on.
        rejected: share of all that are rejected.
        error: share of the others that go into a wrong bin; None where there are no others.
        feared: the same share by how sure one is of each, where probabilities are calibrated.
        looks: mean number of looks.
        goes_on: after 1, 2, ... looks, the share of those that came so far that are looked at again.
    """

    parts: int
    rejected: float
    error: float | None
    feared: float | None
    looks: float
    goes_on: tuple[float, ...]


def one_threshold(threshold: float, looks: int) -> tuple[Rule, ...]:
    """Sort from this on after any number of looks; reject what is less sure after all of them."""
    return (*[Rule(threshold, 0.0)] * (looks - 1), Rule(threshold, threshold))


def cheapest(held_out: HeldOut, costs: Costs) -> tuple[Rule, ...]:
    """The rules of least mean cost, for 1, 2, ... looks, as this module's text says.

    Between two held-out parts any threshold costs the same there. So a part is sorted before the last look
    only where held-out parts were, and rejected likewise: to look again costs little. After the last look the
    point between them counts that is nearest to Chow's rule.
    """
    rules: list[Rule] = []
    ahead = np.full(len(held_out.sure), costs.reject)  # no look is left: what is not sorted is rejected
    for sure in held_out.sure.T[::-1]:
        sort = costs.wrong_bin * (1 - sure)
        rejecting, sorting = _cheapest_gaps(sure, sort, ahead, costs.reject)
        rule = _between(rejecting, sorting, costs) if rules else _last(sorting, costs)
        rules.append(rule)
        kept = np.where(sure < rule.reject_below, costs.reject, ahead)
        ahead = costs.look + np.where(sure >= rule.sort_from, sort, kept)
    return tuple(reversed(rules))


def least_rejecting(held_out: HeldOut, target_error: float) -> tuple[Rule, ...] | None:
    """The lowest threshold that keeps the error of what is sorted down to a target.

    By the errors that occurred, and by the probabilities, too: the lowest threshold by which few enough of
    some dozen bricks went wrong is one that these happened to be kind to.

    It is the same after each look, since probabilities are calibrated after each.

    Returns:
        None where only rejecting every part would.
    """
    for threshold in np.unique(np.append(held_out.sure, 0.0)).tolist():
        rules = one_threshold(threshold, held_out.looks)
        came = forecast(held_out, rules)
        if (
            came.error is not None
            and came.feared is not None
            and max(came.error, came.feared) <= target_error
        ):
            return rules
    return None


def forecast(held_out: HeldOut, rules: Sequence[Rule]) -> Forecast:
    """What becomes of held-out parts by these rules, one for each look or fewer."""
    count = len(held_out.sure)
    there = np.ones(count, np.bool_)  # neither sorted nor rejected yet
    is_sorted = np.zeros(count, np.bool_)
    wrong = np.zeros(count, np.bool_)
    feared, looks, goes_on = 0.0, 0, []
    for rule, sure, right in zip(rules, held_out.sure.T, held_out.right.T, strict=False):
        looked = int(there.sum())
        now = there & (sure >= rule.sort_from)
        is_sorted |= now
        wrong |= now & ~right
        feared += float((1 - sure[now]).sum())
        there &= (sure < rule.sort_from) & (sure >= rule.reject_below)
        looks += looked
        goes_on.append(float(there.sum() / looked) if looked else 0.0)
    accepted = int(is_sorted.sum())
    return Forecast(
        parts=held_out.parts,
        rejected=1 - accepted / count,
        error=float(wrong.sum() / accepted) if accepted else None,
        feared=feared / accepted if accepted else None,
        looks=looks / count,
        goes_on=tuple(goes_on),
    )


@dataclass(frozen=True)
class _Gap:
    """The lowest threshold and the highest that part the same held-out parts from the rest."""

    lowest: float
    highest: float


def _between(rejecting: _Gap, sorting: _Gap, costs: Costs) -> Rule:
    is_sorted_at_all = np.isfinite(sorting.highest)
    sort_from = sorting.highest if is_sorted_at_all else max(sorting.lowest, costs.sure_enough)
    return Rule(sort_from, rejecting.lowest)


def _last(sorting: _Gap, costs: Costs) -> Rule:
    threshold = min(max(costs.sure_enough, sorting.lowest), sorting.highest)
    return Rule(threshold, threshold)


def _cheapest_gaps(sure: Floats, sort: Floats, ahead: Floats, reject: float) -> tuple[_Gap, _Gap]:
    """Where to part what is rejected from what is looked at again, and that from what is sorted.

    Args:
        sure: (trials,), of the best candidate.
        sort, ahead: (trials,), what it costs to sort each, and to look again.
        reject: what it costs to reject any.
    """
    order = np.argsort(sure, kind="stable")
    ranked = sure[order]
    sorting, looking = (np.append(0.0, np.cumsum(cost[order])) for cost in (sort, ahead))
    # A threshold cannot part what is equally sure.
    cuts = np.flatnonzero(np.concatenate(([True], np.diff(ranked) > 0, [True])))
    # The least sure, up to a first cut, are rejected; those up to a second looked at again; the rest sorted.
    rejected = reject * cuts - looking[cuts]
    # Of equally cheap first cuts the lowest.
    best = np.array([int(rejected[: place + 1].argmin()) for place in range(len(cuts))])
    place = int((rejected[best] + looking[cuts] - sorting[cuts]).argmin())
    return _gap(ranked, int(cuts[best[place]])), _gap(ranked, int(cuts[place]))


def _gap(ranked: Floats, cut: int) -> _Gap:
    """Between the `cut` least sure and the rest."""
    highest = float(ranked[cut]) if cut < len(ranked) else np.inf
    return _Gap(min(float(ranked[cut - 1]) + _GRAIN, highest) if cut else 0.0, highest)
