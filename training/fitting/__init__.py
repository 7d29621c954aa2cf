"""Fitting one network: alone or with others, watched, kept, and gone on with."""
