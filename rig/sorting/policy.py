"""How sorting mode goes about a part: how it weighs looks, when it decides, and what comes of that."""

from dataclasses import dataclass, replace

from rig.card import Card
from rig.errors import ConfigError
from rig.sorting.thresholds import (
    Costs,
    Forecast,
    HeldOut,
    Rule,
    cheapest,
    forecast,
    least_rejecting,
    one_threshold,
)
from rig.sorting_config import SortingConfig
from rig.vision.strangers import novelty_limits

# The table turns on before it is known whether that is needed where this share of held-out parts needs it.
# It then saves the time that a picture takes to be developed, found and named; where it was in vain, the part
# waits until the table has come round. docs/sorting.md says what both were measured to be.
_TURN_EARLY_FROM = 0.9
# Of n parts of which none went wrong, up to 3 / n may (95 %; Hanley and Lippman-Hand, 1983).
_RULE_OF_THREE = 3.0


@dataclass(frozen=True)
class Policy:
    """When to sort a part, to look again, or to reject it.

    Attributes:
        rules: after 1, 2, ... looks; the last leaves no further look.
        weights: of the evidence of so many looks, as many.
        forecast: what held-out parts say of it; None where the model knows of none.
        target_error: that the user set.
        novelty_limits: beyond which a part is taken for a stranger; see `rig.vision.strangers`.
        false_strangers: share of known parts that will be; 0 where none is looked for, None where the model
            cannot tell any.
    """

    rules: tuple[Rule, ...]
    weights: tuple[float, ...] = (1.0,)
    forecast: Forecast | None = None
    target_error: float | None = None
    novelty_limits: tuple[float, ...] = ()
    false_strangers: float | None = None

    @property
    def most_looks(self) -> int:
        """At a part."""
        return len(self.rules)

    def turns_early(self, looks: int) -> bool:
        """Whether the table should turn on at once after so many looks, before the last one is understood."""
        if self.forecast is None or looks >= self.most_looks:
            return False
        return self.forecast.goes_on[looks - 1] >= _TURN_EARLY_FROM

    @property
    def in_words(self) -> str:
        """For people: thresholds, what comes of them, and where that is uncertain."""
        sentences = [_thresholds(self.rules)]
        if self.forecast is not None:
            sentences.append(_outcome(self.forecast))
            accepted = max(1.0, self.forecast.parts * (1 - self.forecast.rejected))
            least = min(1.0, _RULE_OF_THREE / accepted)
            if self.target_error is not None and self.target_error < least:
                sentences.append(
                    f"So few parts that are sorted ({accepted:.0f}) cannot show an error below {least:.1%}:"
                    f" that it will be {self.target_error:.1%} is not known."
                )
        return " ".join([*sentences, _strangers(self.false_strangers)])


def policy_for(card: Card, sorting: SortingConfig) -> Policy:
    """What rig.toml asks for with this model: a threshold, a target error, or else the least cost.

    A model that knows nothing of held-out parts looks once.

    Raises:
        ConfigError: the target error cannot be met, or not be told from nothing.
    """
    looks = card.looks
    if looks is None:
        if sorting.target_error is not None:
            raise ConfigError(
                "target_error is set, but the model knows nothing of parts that it was not trained on",
                hint="train it again, with two sessions of each part; or set reject_threshold instead",
            )
        threshold = card.reject_threshold if sorting.reject_threshold is None else sorting.reject_threshold
        return _knowing_strangers(Policy(one_threshold(threshold, 1)), card, sorting)
    held_out = HeldOut.of(looks, sorting.most_views)
    rules = _rules(held_out, sorting)
    weights = looks.weights[: held_out.looks]
    policy = Policy(rules, weights, forecast(held_out, rules), sorting.target_error)
    return _knowing_strangers(policy, card, sorting)


def _knowing_strangers(policy: Policy, card: Card, sorting: SortingConfig) -> Policy:
    lost = sorting.false_strangers
    return replace(
        policy,
        novelty_limits=novelty_limits(card, lost),
        false_strangers=None if card.strangers is None else lost,
    )


def _rules(held_out: HeldOut, sorting: SortingConfig) -> tuple[Rule, ...]:
    if sorting.reject_threshold is not None:
        return one_threshold(sorting.reject_threshold, held_out.looks)
    if sorting.target_error is None:
        costs = Costs(sorting.cost_wrong_bin, sorting.cost_reject, sorting.cost_look)
        return cheapest(held_out, costs)
    rules = least_rejecting(held_out, sorting.target_error)
    if rules is None:
        raise ConfigError(
            f"target_error = {sorting.target_error:g} cannot be met: with this model even the surest of"
            " the held-out parts go wrong more often, or are not that sure",
            hint="raise target_error, or train on more sessions",
        )
    return rules


def _strangers(lost: float | None) -> str:
    if lost is None:
        return "The model cannot tell parts that it was never taught; train it again, with bricks held out."
    if lost == 0:
        return "Parts that the model was never taught are not looked for (false_strangers = 0)."
    return (
        "Parts that seem none of those it was taught are rejected, too,"
        f" and {lost:.1%} of the known ones with them."
    )


def _thresholds(rules: tuple[Rule, ...]) -> str:
    if len(rules) == 1:
        sure = f"{rules[0].sort_from:.0%}"
        return f"Each part is looked at once; those that the model is less than {sure} sure of are rejected."
    if len({rule.sort_from for rule in rules}) == 1:
        sure = f"{rules[0].sort_from:.1%}"
        return f"Parts that the model is less than {sure} sure of after {len(rules)} looks are rejected."
    each = ", ".join("-" if rule.sort_from > 1 else f"{rule.sort_from:.1%}" for rule in rules)
    return f"Parts are sorted once the model is sure enough after 1, 2, ... looks ({each}), else rejected."


def _outcome(forecast: Forecast) -> str:
    wrong = "" if forecast.error is None else f", {forecast.error:.1%} of the others sorted wrongly"
    return (
        f"As {forecast.parts} held-out parts show, about {forecast.rejected:.1%} of all parts will be"
        f" rejected{wrong}, with {forecast.looks:.2f} looks a part."
    )
