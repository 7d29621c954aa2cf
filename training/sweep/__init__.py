"""The search for the options that train best."""
