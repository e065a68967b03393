"""What GRUB boots next by generated configurations, from their texts alone."""

from pathlib import Path

import pytest
from meshproof.targets.hosts.grub.menu import read

GOLDEN = Path(__file__).parent / "golden"
SIGNATURE = "# GRUB Environment Block\n"
NEW, OLD = "6.1.0-49-cloud-amd64", "5.10.0-34-cloud-amd64"
SUBMENU = "gnulinux-advanced-6f0c>gnulinux-5.10.0-34-cloud-amd64-advanced-6f0c"
MACHINE = "0cb3f1a2d4e5f60718293a4b5c6d7e8f"
BLS = {
    f"{MACHINE}-{version}.conf": f"title Rocky Linux ({version}) 9\nversion {version}\nlinux /vmlinuz-{version}\n"
    for version in ("5.14.0-70.el9.x86_64", "5.14.0-162.6.1.el9_1.x86_64", "0-rescue")
}


def block(**variables):
    text = SIGNATURE + "".join(f"{name}={value}\n" for name, value in variables.items())
    return text.ljust(1024, "#")


def debian(default):
    return (GOLDEN / "debian.cfg").read_text().replace("@DEFAULT@", default)


@pytest.mark.parametrize(
    ("default", "environment", "kernel", "how"),
    [
        ("0", {}, NEW, "entry number 0"),
        ("0", {"saved_entry": SUBMENU}, NEW, "entry number 0"),
        ("${saved_entry}", {}, NEW, "no default is set, so the first entry"),
        ("${saved_entry}", {"saved_entry": SUBMENU}, OLD, "in its submenu the entry"),
        ("${saved_entry}", {"saved_entry": "1>2"}, OLD, "entry number 1, in its submenu entry number 2"),
        ("1>2", {}, OLD, "entry number 1, in its submenu entry number 2"),
        ("1", {}, NEW, "in its submenu no default is set"),
        ("2", {}, NEW, "there is no entry number 2, so the first"),
        ("Debian GNU/Linux, with Linux 5.10.0-34-cloud-amd64", {}, NEW, "there is no entry"),
        ("Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux 5.10.0-34-cloud-amd64", {}, OLD, "entry"),
        ("0", {"next_entry": SUBMENU}, OLD, "in its submenu the entry"),
    ],
)
def test_debian(default, environment, kernel, how):
    menu = read(debian(default), block(**environment), {}, "bios")
    assert menu.next.entry is not None
    assert menu.next.entry.kernel == kernel
    assert how in menu.next.how
    assert menu.next.doubt == ""
    assert menu.configured == default
    assert menu.next.once == ("next_entry" in environment)


def test_the_whole_menu_is_listed():
    menu = read(debian("0"), block(), {}, "bios")
    assert [(one.position, one.kernel) for one in menu.entries] == [
        ("0", NEW), ("1>0", NEW), ("1>1", NEW), ("1>2", OLD),
    ]  # fmt: skip
    assert menu.entries[3].id == "gnulinux-5.10.0-34-cloud-amd64-advanced-6f0c"


def test_a_block_without_its_signature_is_what_grub_refuses():
    menu = read(debian("${saved_entry}"), f"saved_entry={SUBMENU}\n", {}, "bios")
    assert menu.next.entry.kernel == NEW


@pytest.mark.parametrize(
    ("saved", "kernel"),
    [
        ("", "5.4.119-1.el7.elrepo.x86_64"),
        ("0", "5.4.119-1.el7.elrepo.x86_64"),
        ("1", "3.10.0-1160.el7.x86_64"),
        ("CentOS Linux (3.10.0-1160.el7.x86_64) 7 (Core)", "3.10.0-1160.el7.x86_64"),
        ("CentOS Linux (3.10.0-957.el7.x86_64) 7 (Core)", "5.4.119-1.el7.elrepo.x86_64"),
    ],
)
def test_el7(saved, kernel):
    menu = read((GOLDEN / "el7.cfg").read_text(), block(saved_entry=saved) if saved else block(), {}, "bios")
    assert menu.next.entry.kernel == kernel
    assert menu.configured == "${saved_entry}"
    assert menu.saved == saved
    assert menu.next.doubt == ""


@pytest.mark.parametrize(
    ("saved", "kernel"),
    [
        ("", "5.14.0-162.6.1.el9_1.x86_64"),
        (f"{MACHINE}-5.14.0-70.el9.x86_64", "5.14.0-70.el9.x86_64"),
        ("1", "5.14.0-70.el9.x86_64"),
        ("2", "0-rescue"),
        (f"{MACHINE}-4.18.0.x86_64", "5.14.0-162.6.1.el9_1.x86_64"),
    ],
)
def test_entries_of_the_boot_loader_specification(saved, kernel):
    menu = read((GOLDEN / "el9.cfg").read_text(), block(saved_entry=saved), BLS, "uefi")
    assert menu.next.entry.kernel == kernel
    assert menu.next.doubt == ""
    assert len(menu.entries) == 3


NUMBERED = "".join(
    f"menuentry '{title}' --id {id} {{ linux /vmlinuz-{id} }}\n"
    for title, id in (
        ("1st kernel", "first"),
        ("2nd kernel", "7second"),
        ("third", "third"),
        ("0", "zero"),
        ("0x1", "hex"),
        *((f"more {number}", f"more{number}") for number in range(5, 12)),
    )
)


@pytest.mark.parametrize(
    ("default", "by_number", "by_id"),
    [
        ("2nd kernel", "third", "7second"),
        ("1st kernel", "7second", "first"),
        ("7second", "more7", "7second"),
        ("0", "first", "zero"),
        ("0x1", "7second", "hex"),
        ("third", "third", "third"),
        (" 2", "third", "third"),
        ("2 ", "third", "first"),
        ("010", "more8", "more8"),
        ("08", "more8", "more8"),
        ("0X1", "first", "first"),
        ("0xg", "first", "first"),
        ("99 bottles", "first", "first"),
        ("-1", "first", "first"),
    ],
)
def test_a_number_that_a_default_begins_with_counts_first_but_where_ids_begin_with_digits(default, by_number, by_id):
    text = f"set default='{default}'\n{NUMBERED}"
    assert read(text, "", {}, "bios").next.entry.id == by_number
    assert read(f"{text}blscfg\n", "", {}, "bios").next.entry.id == by_id


def test_a_stub_on_the_efi_partition_says_what_it_follows():
    stub = "search.fs_uuid 6f0c root hd0,gpt2\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n"
    menu = read(stub, "", {}, "uefi")
    assert menu.next.entry is None
    assert menu.follows == "()/boot/grub/grub.cfg"


def test_a_condition_that_is_known_at_boot_only_is_a_doubt():
    text = "if keystatus --shift; then set default=1; fi\nmenuentry a { linux /vmlinuz-1 }\n"
    assert "keystatus --shift" in read(text, "", {}, "bios").next.doubt


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "}",
        "if",
        "if [",
        "menuentry",
        "menuentry x {",
        "fi fi",
        "'",
        '"',
        "$",
        "if x; then",
        "function",
        "for",
        "submenu a {" * 60,
        "if a; then\n" * 60,
    ],
)
def test_hostile_text_ends(text):
    read(text, text, {"x.conf": text}, "bios")


@pytest.mark.parametrize("length", range(0, 3400, 61))
def test_a_configuration_cut_anywhere_ends(length):
    read(debian("0")[:length], block(), {}, "bios")
