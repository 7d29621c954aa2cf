"""The page: plain HTML, style and scripts, which need no build."""
