"""Parts from an LDraw library: its text files read, put together, and shaded as smooth as they are meant."""
