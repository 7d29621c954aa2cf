"""What the global options ask for, and how every command gets its configuration and prints its result."""

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

    from rig.config import Config
    from rig.remote import Daemon

# How soon somebody at a terminal sees that a question was answered elsewhere.
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True)
class Settings:
    """The global options of one call."""

    config_path: Path | None
    force_sim: bool
    as_json: bool
    debug: bool
    _bars: "list[Progress]" = field(default_factory=list, init=False, repr=False, compare=False)

    def load_config(self) -> "Config":
        """Read rig.toml, or take the simulated rig where there is none, and say so in one line.

        Raises:
            ConfigError: the file that was named is absent, or a file is wrong.
        """
        config = self.read_config()
        self.say_if_simulated(config)
        return config

    def read_config(self) -> "Config":
        """The same for what may run through a daemon: that one's rig may be a real one."""
        from rig.config import Config, load_config

        path = self.config_file
        config = Config() if path is None else load_config(path)
        simulated = self.force_sim or path is None or config.sim.enabled
        return config.model_copy(update={"sim": config.sim.model_copy(update={"enabled": simulated})})

    def say_if_simulated(self, config: "Config", daemon: "Daemon | None" = None) -> None:
        """Say that the rig is none, in one line.

        Args:
            daemon: has the rig.
        """
        if config.sim.enabled and (daemon is None or daemon.is_simulated):
            self.say(f"Simulated rig ({self._why_simulated(self.config_file)}).")

    @property
    def any_rig_is_meant(self) -> bool:
        """Whether nothing says which rig: neither a rig.toml nor --sim."""
        return self.config_file is None and not self.force_sim

    def origin(self, config: "Config") -> str:
        """Where the configuration came from, and which rig it means, in words."""
        why = self._why_simulated(self.config_file)
        # Then a daemon may have any.
        rig = why if self.any_rig_is_meant else f"simulated rig, {why}" if config.sim.enabled else "real rig"
        return f"{self.config_file or 'defaults'} ({rig})"

    @property
    def config_file(self) -> Path | None:
        """The rig.toml that is named, or the one in this folder, or none."""
        from rig.config import DEFAULT_PATH

        return self.config_path or (DEFAULT_PATH if DEFAULT_PATH.exists() else None)

    def _why_simulated(self, path: Path | None) -> str:
        if self.force_sim:
            return "asked for by --sim"
        return "no rig.toml here" if path is None else f"as {path} says"

    def say(self, sentence: str) -> None:
        """A line for people, on stderr: stdout is for results."""
        if self._bars and self._bars[-1].console.is_terminal:
            # Typer writes past what rich puts in the place of stderr: the line would stand behind a bar.
            self._bars[-1].console.out(sentence, highlight=False)
        else:
            typer.echo(sentence, err=True)

    @property
    def somebody_is_there(self) -> bool:
        """Whether there is a person who can be asked."""
        return not self.as_json and sys.stdin.isatty()

    def ask(self, sentence: str) -> None:
        """Have a person do something and press Enter.

        Raises:
            BadInput: there is nobody to ask.
            Interrupted: the person has left (Ctrl-D).
        """
        from rig.jobs.person import nobody_to_ask

        if not self.somebody_is_there:
            raise nobody_to_ask(sentence)
        self.read_line(f"{sentence}, then press Enter. ")

    def choose(self, question: str, answers: Sequence[str]) -> str:
        """Have a person type one of some answers, or the beginning of it, until it is one.

        Raises:
            Interrupted: the person has left (Ctrl-D).
        """
        return self._choose(question, answers, lambda: None)

    def answer(self, sentence: str, answers: Sequence[str], is_asked: Callable[[], bool]) -> str:
        """As `PersonElsewhere.answer`."""
        from select import select

        from rig.jobs.person import Withdrawn, nobody_to_ask

        def await_line() -> None:
            while not select([sys.stdin], [], [], _LOOK_EVERY_S)[0]:
                if not is_asked():
                    typer.echo("It was answered elsewhere.", err=True)
                    raise Withdrawn

        if not self.somebody_is_there:
            raise nobody_to_ask(sentence)
        if answers:
            return self._choose(sentence, answers, await_line)
        self.read_line(f"{sentence}, then press Enter. ", await_line)
        return ""

    def _choose(self, question: str, answers: Sequence[str], await_line: Callable[[], None]) -> str:
        while True:
            prompt = f"{question} ({', '.join(answers)}) "
            typed = self.read_line(prompt, await_line).strip().casefold()
            meant = [answer for answer in answers if typed and answer.startswith(typed)]
            if len(meant) == 1:
                return meant[0]

    def read_line(self, prompt: str, await_line: Callable[[], None] = lambda: None) -> str:
        """What a person types behind a prompt.

        Args:
            await_line: returns once there is something to read.

        Raises:
            Interrupted: the person has left (Ctrl-D).
        """
        from rig.errors import Interrupted

        with self._bars_standing_still():
            typer.echo(prompt, err=True, nl=False)
            await_line()
            line = sys.stdin.readline()
        if not line:
            raise Interrupted
        return line

    def print_json(self, result: object) -> None:
        """Print a result as one JSON document, if --json asked for it."""
        if self.as_json:
            typer.echo(json.dumps(result, indent=2, default=_plain))

    def print_table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table on stdout, unless --json asked for a document instead."""
        if self.as_json:
            return
        from rich.console import Console
        from rich.table import Table

        # Not the table's own title, which would be broken to the width of the table, file names and all.
        typer.echo(title)
        if not rows:
            return
        # What users name may have brackets, which are no markup.
        console = Console(markup=False, emoji=False, highlight=False)
        table = Table(show_header=any(columns))
        names_fit = max(len(row[0]) for row in rows) <= console.width // 2
        for place, column in enumerate(columns):
            # Nothing is cut off, and a name stays in one piece: somebody may want to type it.
            table.add_column(
                column,
                justify="left" if place == 0 else "right",
                overflow="fold",
                no_wrap=place == 0 and names_fit,
            )
        for row in rows:
            table.add_row(*row)
        console.print(table)

    @contextmanager
    def progress(self, *columns: "ProgressColumn") -> Iterator["Progress"]:
        """Progress bars on stderr; with the share that is done and the time left, or with these columns."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        from rig.cli.bars import TimeLeftColumn

        # A descriptor of its own: the bars stay in sight while native chatter is kept from the terminal.
        with os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding) as terminal:
            usual = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                TimeLeftColumn(),
            )
            with Progress(*(columns or usual), console=Console(file=terminal), expand=bool(columns)) as bars:
                self._bars.append(bars)
                try:
                    yield bars
                except BaseException:
                    if not any(task.completed for task in bars.tasks):
                        # Bars that never began would only stand above the error. Off a terminal they have not
                        # been drawn yet.
                        bars.live.transient = True
                        bars.console.quiet = not bars.console.is_terminal
                    raise
                finally:
                    self._bars.remove(bars)

    @contextmanager
    def _bars_standing_still(self) -> Iterator[None]:
        """Keep them from running over what a person is asked and types."""
        for bars in self._bars:
            bars.stop()
        try:
            yield
        finally:
            for bars in self._bars:
                bars.start()


def settings_of(context: typer.Context) -> Settings:
    """The global options of the running call."""
    settings = context.find_object(Settings)
    assert settings is not None, "the root callback runs before every command"
    return settings


def percent(share: float | None) -> str:
    """A share as people read it; a dash where there is none."""
    return "-" if share is None else f"{share:.1%}"


def counted(number: int, one: str, many: str = "") -> str:
    """How many of something: `1 picture`, `2 pictures`; `many` is for what does not just take an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")
