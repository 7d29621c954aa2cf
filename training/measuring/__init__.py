"""What a network is worth on pictures that it was not fitted to."""
