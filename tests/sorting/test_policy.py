"""What rig.toml and a model's card come to: thresholds, and an honest word about them."""

import pytest

from rig.card import Card
from rig.errors import ConfigError
from rig.looks import Looks, Trial
from rig.sorting.policy import policy_for
from rig.sorting_config import SortingConfig
from tests.test_model import make_card


def _card(parts: int = 50) -> Card:
    """After the first look one trial in five is wrong and unsure, after the second one in fifty."""
    often = [
        Trial(
            (0.55 if number % 5 == 0 else 0.985, 0.6 if number % 50 == 0 else 0.99),
            (number % 5 > 0, number % 50 > 0),
        )
        for number in range(100)
    ]
    looks = Looks(weights=(1.0, 0.7), parts=parts, trials=tuple(often))
    return make_card().model_copy(update={"looks": looks})


def test_a_card_that_knows_of_no_held_out_parts_looks_once() -> None:
    policy = policy_for(make_card(), SortingConfig())
    assert (policy.most_looks, policy.rules[0].sort_from) == (1, 0.8)
    assert policy.in_words.startswith(
        "Each part is looked at once; those that the model is less than 80% sure of are rejected. The model"
    )
    assert policy_for(make_card(), SortingConfig(reject_threshold=0.5)).rules[0].sort_from == 0.5


def test_costs_decide_and_what_follows_is_said() -> None:
    policy = policy_for(_card(), SortingConfig())
    assert policy.weights == (1.0, 0.7)
    assert policy.forecast is not None
    assert policy.forecast.rejected == pytest.approx(0.02)
    assert policy.forecast.error == 0
    assert policy.forecast.looks == pytest.approx(1.2)
    assert "50 held-out parts" in policy.in_words
    assert "2.0% of all parts will be rejected" in policy.in_words
    assert not policy.turns_early(1)
    assert not policy.turns_early(2)


def test_a_dear_look_is_left_out_and_so_are_more_looks_than_wanted() -> None:
    dear = policy_for(_card(), SortingConfig(cost_look=0.5))
    assert dear.forecast is not None
    assert dear.forecast.looks == 1
    assert policy_for(_card(), SortingConfig(most_views=1)).most_looks == 1


def test_a_threshold_that_the_user_sets_holds_at_each_look() -> None:
    policy = policy_for(_card(), SortingConfig(reject_threshold=0.995))
    assert [rule.sort_from for rule in policy.rules] == [0.995, 0.995]
    assert policy.forecast is not None
    assert policy.forecast.rejected == 1
    assert policy.turns_early(1), "each part needs the second look"
    assert not policy.turns_early(2), "there is no third"


def test_a_target_that_so_few_parts_cannot_show_is_called_unknown() -> None:
    asked = SortingConfig(target_error=0.02)
    assert "(49) cannot show an error below 6.1%" in policy_for(_card(parts=50), asked).in_words
    assert "cannot show" not in policy_for(_card(parts=1000), asked).in_words


def test_a_target_that_cannot_be_met_or_told_is_refused() -> None:
    with pytest.raises(ConfigError, match="knows nothing of parts"):
        policy_for(make_card(), SortingConfig(target_error=0.01))
    hopeless = Looks(weights=(1.0,), parts=2, trials=(Trial((0.9,), (False,)), Trial((0.8,), (True,))))
    with pytest.raises(ConfigError, match="cannot be met"):
        policy_for(make_card().model_copy(update={"looks": hopeless}), SortingConfig(target_error=0.1))


def test_two_ways_to_decide_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="exclude each other"):
        SortingConfig(target_error=0.01, reject_threshold=0.5)
    with pytest.raises(ValueError, match="below cost_wrong_bin"):
        SortingConfig(cost_reject=1.0)
