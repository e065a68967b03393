"""What a host would boot next, and why."""

from __future__ import annotations

from dataclasses import replace

from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Assignment:
    """A line of the boot loader's defaults that sets GRUB_DEFAULT; `file` and `line` are its location."""

    file: str
    line: int
    value: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: GRUB_DEFAULT={self.value}"


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One entry of the boot menu.

    `position` is as GRUB counts it (`0`, `1>2` for the third entry of the submenu that comes second); `kernel`
    is the release of the kernel that it boots, empty where it boots no kernel with a release in its name.
    """

    position: str
    title: str
    id: str
    kernel: str


@dataclass(frozen=True, slots=True)
class NextBoot:
    """What will be booted next: the `entry` that the loader's `default` selects, and `how` it does.

    `once` says that this holds for the next boot alone (grub-reboot); `doubt` is what could not be determined.
    """

    entry: MenuEntry | None
    how: str
    default: str = ""
    once: bool = False
    doubt: str = ""

    def doubting(self, doubt: str) -> NextBoot:
        """The same with another doubt."""
        return replace(self, doubt=doubt)


@dataclass(frozen=True, slots=True)
class BootFacts:
    """The boot loader as it is configured.

    `firmware` is `bios` or `uefi`; `config` the file that GRUB reads at boot, `environment` that of its saved
    variables (empty: none). `assignments` set GRUB_DEFAULT in the order in which they are read, of which the
    last wins. `configured` is the `default` that the configuration sets without grub-reboot
    (`${saved_entry}` unexpanded). `unseen` says why nothing is known, and is empty otherwise.
    """

    firmware: str = ""
    config: str = ""
    environment: str = ""
    assignments: tuple[Assignment, ...] = ()
    configured: str = ""
    saved: str = ""
    entries: tuple[MenuEntry, ...] = ()
    next: NextBoot | None = None
    unseen: str = ""

    @property
    def effective(self) -> str:
        """The value of GRUB_DEFAULT that holds when the configuration is built (GRUB's own default is 0)."""
        return self.assignments[-1].value if self.assignments else "0"
