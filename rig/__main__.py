"""Where the `rig` command begins, as a script and as `python -m rig`."""

import sys

_INTERRUPTED = 130


def main() -> None:
    """Run the command; Ctrl-C while its modules are still being imported ends it as quietly as later."""
    try:
        from rig.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
