"""The text of the systemd unit: one process that says when it is ready, and is locked into what it needs."""

from rig.daemon.service.layout import GROUPS, NAME, PROGRAM

# systemd looks these up among the devices that the kernel knows when the service starts: without the module
# they would be refused for as long as it runs, even once a board or camera is plugged in.
_MODULES = ("usbserial", "cdc_acm", "videodev")
_DEVICES = (
    "char-video4linux",
    "char-media",
    "char-dma_heap",
    "char-drm",
    "char-ttyACM",
    "char-ttyUSB",
)

_TEXT = """\
# Written by: rig service install. The next install overwrites it; change it with: systemctl edit {name}
[Unit]
Description=Brick rig: turntable, camera and bins
After=network.target {modules}
Wants={modules}
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=notify
ExecStart={program} serve
User={user}
Group={name}
SupplementaryGroups={groups}
WorkingDirectory=/var/lib/{name}
StateDirectory={name}
StateDirectoryMode=0750
# The socket is in there (rig.daemon_socket): whoever is in the group may use the rig.
RuntimeDirectory={name}
RuntimeDirectoryMode=0750
UMask=0027

# The daemon gives a sign of life only while what runs the board and the camera does.
WatchdogSec=30
# Even then it may try to leave motors, air and light at rest before it is killed.
WatchdogSignal=SIGTERM
Restart=on-failure
RestartSec=2
# A rig.toml that is wrong does not get better by trying again.
RestartPreventExitStatus=2
TimeoutStartSec=60
KillSignal=SIGTERM
KillMode=mixed
TimeoutStopSec=10

NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
DevicePolicy=closed
{devices}
# AF_NETLINK: libudev, by which cameras are found.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictSUIDSGID=yes
LockPersonality=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""


def unit_text(user: str, program: str = PROGRAM) -> str:
    """The unit of a daemon that runs as `user`.

    Args:
        program: the `rig` that it runs, which must lie where the service may see it.
    """
    return _TEXT.format(
        name=NAME,
        user=user,
        program=program,
        groups=" ".join(GROUPS),
        modules=" ".join(f"modprobe@{module}.service" for module in _MODULES),
        devices="\n".join(f"DeviceAllow={device} rw" for device in _DEVICES),
    )
