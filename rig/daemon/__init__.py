"""The service: one process owns the rig, and tells all others what it does."""
