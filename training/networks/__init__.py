"""Architectures by name, and what their weights begin with."""
