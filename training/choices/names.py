"""Names of networks, as far as they are known without TensorFlow."""

RESIDUAL_CNN = "residual-cnn"
SMALL_CNN = "small-cnn"
PLAIN_CNN = "plain-cnn"

OWN = (RESIDUAL_CNN, SMALL_CNN, PLAIN_CNN)
"""Those that are built here; all others are Keras's."""

_ANY_SIZE = (RESIDUAL_CNN, SMALL_CNN)


def key(name: str) -> str:
    """What two spellings of a name have in common: MobileNetV2, mobilenet-v2, mobilenet_v2."""
    return name.lower().replace("-", "").replace("_", "")


def own_name(name: str) -> str | None:
    """The proper name of a network that is built here; None if it is not one of them."""
    return next((own for own in OWN if key(own) == key(name)), None)


def takes_any_size(name: str) -> bool:
    """Whether the same weights work at any picture size, so that training can begin with small pictures."""
    return own_name(name) in _ANY_SIZE
