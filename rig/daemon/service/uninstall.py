"""The plan of taking the service away again, however far its installation came."""

from rig.daemon.service.account import holds_data
from rig.daemon.service.install import steps
from rig.daemon.service.layout import DATA, Layout
from rig.daemon.service.steps import Plan, seen, undoing


def uninstall_plan(layout: Layout, *, purge: bool) -> Plan:
    """What has to be undone; nothing is undone yet.

    Args:
        purge: what the daemon has kept goes as well.
    """
    remarks = []
    if not purge and seen(lambda: holds_data(layout)):
        owner = "" if layout.is_tree else f", and the user {layout.user}, which owns it"
        remarks = [
            f"What is in {DATA} stays{owner}: --purge removes both." if owner else f"What is in {DATA} stays."
        ]
    return undoing(steps(layout, purge=purge), remarks)
