"""What one has and what one lacks: lots of parts, progress against lists of them, foreign formats."""
