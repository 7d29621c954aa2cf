"""The report of a training run: one page that needs no other file, and the pictures that went wrong."""
