"""What a network is shown of a crop: a word that commands, cards and training share."""

from enum import StrEnum


class Contrast(StrEnum):
    """What is done to the values of a crop, grey but for the last one."""

    LOCAL = "local"
    """Normalised by their neighbourhood, so that light and a part's own shade drop out."""
    STANDARD = "standard"
    """Standardised by the mean and deviation of the whole crop."""
    PLAIN = "plain"
    """Left as they are; the network scales them."""
    COLOUR = "colour"
    """The same for blue, green and red apart, which tempts a network to know parts by their colour."""

    @property
    def planes(self) -> int:
        """Of the network's input: those of the picture, and the one that says the part's size."""
        return 4 if self is Contrast.COLOUR else 2
