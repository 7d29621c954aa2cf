"""Makes TFLite models of captured class folders; needs the `train` extra."""
