"""A fitted network as TFLite files."""
