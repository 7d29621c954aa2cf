"""What the camera can find out about the turntable: how far it really turns, and how long it swings."""
