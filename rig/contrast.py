"""What a network is shown of grey values: a word that commands, cards and training share."""

from enum import StrEnum


class Contrast(StrEnum):
    """What is done to the grey values of a crop."""

    LOCAL = "local"
    """Normalised by their neighbourhood, so that light and a part's own shade drop out."""
    STANDARD = "standard"
    """Standardised by the mean and deviation of the whole crop."""
    PLAIN = "plain"
    """Left as they are; the network scales them."""
