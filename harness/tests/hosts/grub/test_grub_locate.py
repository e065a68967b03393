"""Which files decide on BIOS and UEFI machines of several distributions."""

from pathlib import Path

from meshproof.targets.hosts.grub.locate import boot_facts, first_vendor

GOLDEN = Path(__file__).parent / "golden"
EL7, EL9 = (GOLDEN / "el7.cfg").read_text(), (GOLDEN / "el9.cfg").read_text()
DEBIAN = (GOLDEN / "debian.cfg").read_text().replace("@DEFAULT@", "0")
BLOCK = "# GRUB Environment Block\nsaved_entry=1\n"
NEW, OLD = "5.4.119-1.el7.elrepo.x86_64", "3.10.0-1160.el7.x86_64"
STUB = "search.fs_uuid 6f0c root hd0,gpt2\nset prefix=($root)'{}'\nconfigfile $prefix/grub.cfg\n"
EFIBOOTMGR = """\
BootCurrent: 0003
Timeout: 0 seconds
BootOrder: 0003,0001,0000
Boot0000* EFI Network\tPciRoot(0x0)
Boot0001* debian\tHD(1,GPT,6f0c)/File(\\EFI\\debian\\shimx64.efi)
Boot0003* CentOS\tHD(1,GPT,6f0c)/File(\\EFI\\CentOS\\shimx64.efi)
"""


def test_bios_of_el7():
    files = {"/etc/default/grub": "GRUB_DEFAULT=saved\n", "/boot/grub2/grub.cfg": EL7, "/boot/grub2/grubenv": BLOCK}
    facts = boot_facts(files, "bios", "", drop_ins=False)
    assert (facts.config, facts.environment) == ("/boot/grub2/grub.cfg", "/boot/grub2/grubenv")
    assert (facts.effective, facts.configured, facts.saved) == ("saved", "${saved_entry}", "1")
    assert facts.next.entry.kernel == OLD
    assert not facts.next.doubt
    # Without its environment block the same configuration starts the first entry.
    del files["/boot/grub2/grubenv"]
    assert boot_facts(files, "bios", "", drop_ins=False).next.entry.kernel == NEW


def test_uefi_of_el7_reads_the_efi_partition_and_not_boot():
    files = {
        "/boot/efi/EFI/centos/grub.cfg": EL7,
        "/boot/efi/EFI/centos/grubenv": BLOCK,
        "/boot/grub2/grub.cfg": DEBIAN,
        "/boot/efi/EFI/BOOT/grub.cfg": DEBIAN,
    }
    facts = boot_facts(files, "uefi", "", drop_ins=False)
    assert facts.config == "/boot/efi/EFI/centos/grub.cfg"
    assert facts.next.entry.kernel == OLD


def test_the_firmware_says_which_of_two_loaders_it_starts():
    files = {"/boot/efi/EFI/debian/grub.cfg": DEBIAN, "/boot/efi/EFI/centos/grub.cfg": EL7}
    assert "firmware" in boot_facts(files, "uefi", "", drop_ins=False).next.doubt
    facts = boot_facts(files, "uefi", EFIBOOTMGR, drop_ins=False)
    assert facts.config == "/boot/efi/EFI/centos/grub.cfg"
    assert not facts.next.doubt


def test_boot_next_comes_before_the_order():
    assert first_vendor(EFIBOOTMGR) == "CentOS"
    assert first_vendor("BootNext: 0001\n" + EFIBOOTMGR) == "debian"
    assert first_vendor("") == ""


def test_stubs_on_the_efi_partition_are_followed():
    debian = {"/boot/efi/EFI/debian/grub.cfg": STUB.format("/boot/grub"), "/boot/grub/grub.cfg": DEBIAN}
    assert boot_facts(debian, "uefi", "", drop_ins=True).config == "/boot/grub/grub.cfg"
    # /boot is a partition of its own here.
    rocky = {
        "/boot/efi/EFI/rocky/grub.cfg": STUB.format("/grub2"),
        "/boot/grub2/grub.cfg": EL9,
        "/boot/grub2/grubenv": "# GRUB Environment Block\n",
        "/boot/loader/entries/m-5.14.0-70.conf": "title a\nlinux /vmlinuz-5.14.0-70\n",
        "/boot/loader/entries/m-5.14.0-162.conf": "title b\nlinux /vmlinuz-5.14.0-162\n",
    }
    facts = boot_facts(rocky, "uefi", "", drop_ins=False)
    assert (facts.config, facts.environment) == ("/boot/grub2/grub.cfg", "/boot/grub2/grubenv")
    assert facts.next.entry.kernel == "5.14.0-162"


def test_drop_ins_come_after_the_file_and_only_where_they_are_read():
    files = {
        "/boot/grub/grub.cfg": DEBIAN,
        "/etc/default/grub": "GRUB_DEFAULT=0\n",
        "/etc/default/grub.d/50-cloud.cfg": "GRUB_DEFAULT=saved\n",
        "/etc/default/grub.d/40-other.cfg": "GRUB_DEFAULT=1\n",
    }
    assert [one.value for one in boot_facts(files, "bios", "", drop_ins=True).assignments] == ["0", "1", "saved"]
    assert boot_facts(files, "bios", "", drop_ins=False).effective == "0"


def test_a_custom_cfg_beside_the_configuration_is_a_doubt():
    files = {"/boot/grub/grub.cfg": DEBIAN, "/boot/grub/custom.cfg": "set default=1"}
    assert "custom.cfg" in boot_facts(files, "bios", "", drop_ins=True).next.doubt


def test_without_a_configuration_nothing_is_known():
    facts = boot_facts({"/etc/default/grub": "GRUB_DEFAULT=saved\n"}, "bios", "", drop_ins=True)
    assert (facts.next, facts.effective) == (None, "saved")
    assert facts.unseen
