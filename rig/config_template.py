"""The rig.toml that `rig init` writes: every value at its default, with what it means."""

from rig.bin_config import DEFAULT_BINS
from rig.scene_config import SceneConfig

_HEAD = """\
# The rig on your desk. Every value below is the default; delete what you do not change.
# See what is found on this computer with: rig doctor

[serial]
# The Marlin board. Names under /dev/serial/by-id/ stay the same when you replug it.
port = ""
baud = 115200
boot_timeout_s = 8.0        # opening the port restarts the board; how long it may take
reply_timeout_s = 5.0       # silence that counts as a fault; a busy board says so every 2 s
reconnect_timeout_s = 60.0  # how long sorting waits for a board that was unplugged

[turntable]
motor_steps_per_turn = 200  # a NEMA17 with 1.8 degrees a step
microsteps_per_step = 16    # all three jumpers under an A4988; check with: rig calibrate table
gear_ratio = 1.0            # motor turns per table turn
speed_deg_s = 180.0
home = "hand"               # "hand": zero is where the table stands at the start; "endstop": a switch on X-
way = "shortest"            # "forward": never turn back between views, for gears with play
settle = "fixed"            # "until_still": a view is taken as soon as two frames in a row agree
settle_s = 0.2              # from the end of motion to the exposure; measure with: rig calibrate settle

[camera]
kind = "webcam"             # "webcam" or "picamera2"
device = 0                  # number of the camera; a webcam may also be a path, as under /dev/v4l/by-id/
width_px = 640
height_px = 480
exposure_us = 8000          # locked for a whole session
gain = 1.0                  # 1.0: the least of a Pi camera; a webcam's as its driver has it
# What `rig calibrate camera` finds; as long as they are absent, the camera finds its own at each start.
# colour_gains = [2.0, 1.8] # white balance of a Pi camera: gains of red and blue
# white_balance_k = 4600    # white balance of a webcam, in kelvin
# lens_position = 8.0       # focus of a lens that moves: dioptres of a Pi camera; a webcam's own units
sweep_exposure_us = 1500    # of `rig capture --sweep`, which raises the gain instead: to 8 or 16 at most
timeout_s = 5.0
reconnect_timeout_s = 60.0  # how long sorting waits for a camera that stalled or was unplugged

[light]
pin = 8                     # a MOSFET output; "none" for a lamp that is always on
brightness = 255

[actuator]
# One servo aims a chute, another sweeps the part off the table.
kind = "servo_gate"
chute_servo = 0
chute_rest_deg = 0.0
sweeper_servo = 1
sweeper_rest_deg = 10.0
sweeper_push_deg = 110.0
travel_s = 0.3
# A chute on a stepper (Y axis) instead of a servo; the sweeper as above.
# kind = "stepper_chute"
# motor_steps_per_turn = 200
# microsteps_per_step = 16
# gear_ratio = 1.0
# speed_deg_s = 180.0
# home = "hand"             # the chute points to 0 degrees at the start; or "endstop", a switch on Y-
# rest_deg = 0.0
# An air valve for each bin, which has a `jet_pin` then.
# kind = "air_jets"
# pulse_s = 0.2
# fall_s = 0.3
# A machine of your own: each bin has its lines in `gcode` then.
# kind = "gcode"
# rest = ["M280 P0 S0"]     # lines that bring it to rest
# pins = []                 # the only pins that M42 may write in your lines

[feeder]
# Parts come onto the empty table by themselves.
kind = "none"
# Each part is asked for, and asked for again where it does not come:
# retry_s = 5.0             # how long it may take
# most_tries = 3            # then the feeder counts as empty
# kind = "hand"             # a person is asked
# kind = "pin"              # a pulse on an output
# pin = 10
# pulse_s = 0.2
# kind = "gcode"            # lines of your own
# release = ["M280 P2 S90", "G4 P300", "M280 P2 S10"]
# rest = ["M280 P2 S10"]    # lines that bring it to rest
# pins = []                 # the only pins that M42 may write in your lines

[sorting]
reject_bin = "reject"       # for parts that the model is not sure of
# return_bin = "again"      # of no parts: for what you feed again, such as two at once; else the reject bin
# What a part in a wrong bin, a part in the reject bin and another look cost, in any one unit:
cost_wrong_bin = 1.0
cost_reject = 0.2
cost_look = 0.01
# target_error = 0.01       # instead of costs: so many of the sorted parts may lie in a wrong bin
# reject_threshold = 0.8    # instead of either: so sure the model must be of a part
most_views = 4              # looks at a part that it is not sure of; the table turns in between
look_turn_deg = 60.0        # what models have learned of looks holds for this turn
colour_threshold = 0.8      # how probable a colour must be to count as known
# categories = "parts.csv"  # of the parts: columns part and category, or Rebrickable's file of that name
pushes = 2                  # of a part that does not leave the table, before you are asked to see to it
false_strangers = 0.02      # share of known parts that may be lost so that unknown ones are rejected; 0: none
wait_for_part_s = 60.0      # an empty table for so long means an empty pile; [feeder] knows better if asked

[paths]
captures = "captures"
models = "models"
ledger = "ledger"           # a simulated rig uses ledger_simulated
calibration = "calibration" # drawings of what was measured, and the picture of the empty table
daemon = "daemon"           # what rig serve remembers: tokens, the job under way, earlier rig.toml

[daemon]
# rig serve: the page, and the commands that find the rig through it.
address = "127.0.0.1"       # of the page, for this computer alone; another needs a token: rig serve --help
port = 8000                 # 0: no page
socket = ""                 # where the commands find it; empty: the usual place
host_names = []             # further names of the page, such as "brickrig.local"
tls_cert = ""               # files of a certificate and its key, for https
tls_key = ""
live_fps = 10.0             # at most
live_width_px = 640         # at most
live_height_px = 480

[mqtt]
# rig serve tells a broker of yours what happens, such as for Home Assistant; see docs/fleet.md.
host = ""                   # of the broker; empty: none is told
port = 1883                 # mostly 8883 with tls
tls = false
ca_file = ""                # who may vouch for the broker (PEM); empty: whom this computer trusts
user = ""
password_file = ""          # holds the password, which has no place in here
base_topic = "brickrig"     # all topics begin with it and the name
name = ""                   # of this rig, unlike all others at the broker; empty: that of this computer
discovery_prefix = "homeassistant"   # empty: Home Assistant is not told what there is
allow_commands = false      # true: whoever may publish at the broker may start, pause and stop jobs

[sim]
enabled = false             # true: use the simulated rig
# seed = 7                  # the same pictures every time
real_time = false           # false: waits are skipped
frames_per_s = 30.0
feed_gap_s = 0.75           # from when the sweeper is told to draw back; see docs/sorting.md
# driver_microsteps_per_step = 8   # a counterfeit driver, which steps otherwise than [turntable] says
backlash_deg = 0.0          # play between motor and table
faults = ""                 # a scenario of faults, by name or as a TOML file; see: rig sim --help
# ldraw = "ldraw"           # the folder of an LDraw library: any part of it; see: rig sim parts --help

[sim.pile]
# What the feeder holds in sorting mode; shares are 0 to 1.
# parts = { 3001 = 3, 3003 = 1 }   # how often each part comes; otherwise all that the model knows, alike
# colours = { red = 2, 14 = 1 }    # by name or LDraw code; otherwise the common ones, alike
damaged = 0.0               # parts with a chipped corner, a bite mark or a stud off
foreign = 0.0               # parts that the model does not know
# foreign_parts = ["32064"] # which; otherwise those of the simulator's own ten that the model does not know
stuck = 0.0                 # pairs that are stuck together
double = 0.0                # pairs that lie apart
astray = 0.0                # parts that come to lie at the rim of the picture
gap_spread_s = 0.0          # mean of what parts come later than feed_gap_s
jams = 0.0                  # parts before which the feeder jams
jam_s = 20.0
stays = 0.0                 # pushes that leave a part where it lies
bounces = 0.0               # parts that spring out of the bin

[sim.scene]
# What simulated sessions look like: a number holds for all of them, [low, high] is drawn from for each.
# docs/simulator.md says what each value means.
{scene}
# The bins: where the chute finds each, and what belongs in it: all that meets each of these conditions,
#     parts = ["3001", "3003"]        any of these parts
#     categories = ["Bricks Sloped"]  any of these categories
#     colours = ["red", 14]           any of these colours, by name or LDraw code, where it is sure
#     wanted = "set.csv"              what is still missing of this list
# or the rest, of which the reject bin may be the one:
#     rest = true
# Each may have a capacity = 50, at which it is full; then a next bin with the same conditions is filled. The
# conditions that say most closely what they want come first, unless priority = 35 says otherwise: 50 wanted,
# 40 parts and colours, 30 parts, 25 colours and categories, 20 colours, 10 categories, 0 the rest.
"""


def _bins() -> str:
    return "\n".join(
        f'[[bins]]\nname = "{bin_.name}"\nchute_deg = {bin_.chute_deg}\nparts = [{_quoted(bin_.parts)}]\n'
        for bin_ in DEFAULT_BINS
    )


def _quoted(parts: tuple[str, ...]) -> str:
    return ", ".join(f'"{part}"' for part in parts)


def _scene() -> str:
    return "".join(f"{name} = [{low:g}, {high:g}]\n" for name, (low, high) in SceneConfig())


TEMPLATE = _HEAD.replace("{scene}", _scene()) + _bins()
