"""Jobs of the machine: capture, sort and calibrate, as the command line and (later) the daemon run them.

A job is an iterator of typed events. Between two events the machine stands still, or a sweep turns on for
about a second, so that is where a job is paused (no event is asked for), cancelled (`close`), or goes on.
Closing it leaves the rig at rest: actuator in its rest position, light off, motors released.
"""
