"""What `rig doctor` looks at, and what it moves."""
