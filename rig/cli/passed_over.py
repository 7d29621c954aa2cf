"""What lies in class folders and is taken for no picture: said, so that nobody believes it was used."""

from pathlib import Path

from rig.cli.settings import Settings, counted


def say_what_is_passed_over(settings: Settings, dataset: Path) -> dict[str, int]:
    """Tell how many files of a dataset are no pictures by their names; returns their numbers by suffix.

    Raises:
        BadInput: there is no such folder.
    """
    from rig.dataset.folders import passed_over
    from rig.dataset.layout import IMAGE_SUFFIXES

    left_out = passed_over(dataset)
    if left_out:
        kinds = ", ".join(f"{number} {suffix or 'without a suffix'}" for suffix, number in left_out.items())
        settings.say(
            f"Left out: {counted(sum(left_out.values()), 'file')} in class folders ({kinds}), since only"
            f" {', '.join(sorted(IMAGE_SUFFIXES))} are taken for pictures."
        )
    return left_out
