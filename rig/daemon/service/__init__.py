"""The rig as a service of systemd: what is put where, and how it is taken away again."""
