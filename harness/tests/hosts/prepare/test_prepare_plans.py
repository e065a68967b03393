"""Plans are made from a survey of a host, and hold no wrong changes."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from meshproof.border.inventory import HostEntry, HostExpectation
from meshproof.errors import Location, TargetError
from meshproof.targets.hosts.bundle.package import Package
from meshproof.targets.hosts.grub import menu
from meshproof.targets.hosts.prepare.desired import DesiredState, newest, satisfies
from meshproof.targets.hosts.prepare.journal import Entry, not_undone, parse, stopped_at
from meshproof.targets.hosts.prepare.restore import ordered
from meshproof.targets.hosts.prepare.steps.boot import BootLoaderStep, RebootStep
from meshproof.targets.hosts.prepare.steps.grub_default import MAIN, DefaultFile, with_default
from meshproof.targets.hosts.prepare.steps.istio_tool import TEXT, IstioToolStep
from meshproof.targets.hosts.prepare.steps.modules import FILE, ModulesStep
from meshproof.targets.hosts.prepare.steps.packages import PackagesStep
from meshproof.targets.hosts.prepare.survey import Survey
from meshproof.targets.hosts.prepare.survey import parse as parse_survey

OLD, NEW, EL = "5.10.0-1-amd64", "6.1.0-2-amd64", "5.4.119-1.el7.elrepo.x86_64"
CONFIG = """
load_env
if [ "${next_entry}" ] ; then set default="${next_entry}"; set boot_once=true; else set default="DEFAULT"; fi
menuentry 'A' --id new { linux /vmlinuz-6.1.0-2-amd64 root=/dev/sda1 }
menuentry 'A (recovery mode)' --id old-rescue { linux /vmlinuz-5.10.0-1-amd64 single }
menuentry 'B' --id old { linux /vmlinuz-5.10.0-1-amd64 root=/dev/sda1 }
"""


def entry(kernel=NEW, modules=("ip_vs", "nf_conntrack"), role="worker"):
    expect = HostExpectation(kernel=kernel, modules=modules)
    return HostEntry("h", "worker-1", role, "127.0.0.1", 22, "root", None, None, False, expect, Location("f", 1, 1))


def host(default="${saved_entry}", saved="old", once="", **more):
    block = f"# GRUB Environment Block\nsaved_entry={saved}\n" + (f"next_entry={once}\n" if once else "")
    read = menu.read(CONFIG.replace("DEFAULT", default), block, {}, "bios")
    known = {
        "boot_id": "one", "kernel": OLD, "arch": "x86_64", "distribution": "debian 12", "uefi": False,
        "tools": frozenset({"apt-get", "dpkg", "grub-mkconfig"}),
        "defaults": (DefaultFile(MAIN, "GRUB_DEFAULT=saved\nGRUB_TIMEOUT=5\n"),),
        "config": "/boot/grub/grub.cfg", "environment": "/boot/grub/grubenv", "menu": read, "installed": (OLD, NEW),
        "packages": frozenset(), "unfinished": False, "loaded": frozenset({"ip_vs"}), "builtin": frozenset(),
        "loadable": frozenset({"nf_conntrack"}),
    }  # fmt: skip
    return Survey(**{**known, **more})


def package(tmp_path, name, version, kernel="", *, arch="amd64", suffix=".deb", size=100):
    path = tmp_path / f"{name}{suffix}"
    path.write_bytes(b"x" * size)
    return Package(path, name, version, arch, kernel)


# GRUB_DEFAULT


def last(text, tmp_path):
    """The value after a shell has sourced the file."""
    (tmp_path / "grub").write_text(text)
    done = subprocess.run(["sh", "-c", f'. {tmp_path}/grub; printf %s "$GRUB_DEFAULT"'], capture_output=True, text=True)
    return done.stdout


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("GRUB_DEFAULT=saved\nX=1\n", "GRUB_DEFAULT=saved\nGRUB_DEFAULT=0\nX=1\n"),
        # The wanted line is there, and has no effect because a later one wins.
        ("GRUB_DEFAULT=0\nGRUB_DEFAULT=saved\nX=1\n", "GRUB_DEFAULT=saved\nGRUB_DEFAULT=0\nX=1\n"),
        ("X=1", "X=1\nGRUB_DEFAULT=0\n"),
        ("", "GRUB_DEFAULT=0\n"),
        ('export GRUB_DEFAULT="1>2" # why\n', 'export GRUB_DEFAULT="1>2" # why\nGRUB_DEFAULT=0\n'),
        ("#GRUB_DEFAULT=0\nGRUB_DEFAULT='saved'", "#GRUB_DEFAULT=0\nGRUB_DEFAULT='saved'\nGRUB_DEFAULT=0\n"),
        (
            "if false; then\n  GRUB_DEFAULT=saved\nfi\nX=1\n",
            "if false; then\n  GRUB_DEFAULT=saved\nfi\nX=1\nGRUB_DEFAULT=0\n",
        ),
        ('GRUB_DEFAULT="sa\\\nved"\nX=1\n', 'GRUB_DEFAULT="sa\\\nved"\nGRUB_DEFAULT=0\nX=1\n'),
    ],
)
def test_the_last_assignment_becomes_the_wanted_one(before, after, tmp_path):
    changed = with_default([DefaultFile(MAIN, before)], "0")
    assert changed == DefaultFile(MAIN, after)
    assert last(changed.text, tmp_path) == "0"
    assert with_default([changed], "0") is None


def test_an_assignment_in_a_later_file_is_changed_there():
    cloud = DefaultFile("/etc/default/grub.d/50-cloudimg.cfg", "GRUB_DEFAULT=saved\n")
    changed = with_default([DefaultFile(MAIN, "GRUB_DEFAULT=0\n"), cloud], "0")
    assert changed == replace(cloud, text="GRUB_DEFAULT=saved\nGRUB_DEFAULT=0\n")


def test_the_position_in_a_submenu_is_quoted(tmp_path):
    changed = with_default([DefaultFile(MAIN, "GRUB_DEFAULT=0\n")], "1>2")
    assert last(changed.text, tmp_path) == "1>2"


# The boot loader and the reboot


def test_nothing_is_done_where_the_wanted_kernel_comes_next_and_runs():
    here = host(default="0", kernel=NEW)
    assert BootLoaderStep().plan(here, entry(), DesiredState()).empty
    assert RebootStep().plan(here, entry(), DesiredState()).empty
    assert BootLoaderStep().plan(host(), entry(kernel=""), DesiredState()).empty


def test_a_line_without_effect_is_reported():
    here = host(defaults=(DefaultFile(MAIN, "GRUB_DEFAULT=0\nGRUB_DEFAULT=saved\n"),))
    plan = BootLoaderStep().plan(here, entry(), DesiredState())
    assert "GRUB_DEFAULT=0 is there already and has no effect" in plan.notices[0]
    assert "/etc/default/grub:2" in plan.notices[0]


def test_an_older_kernel_is_set_by_its_position_and_not_by_its_rescue_entry():
    plan = BootLoaderStep().plan(host(default="0", kernel=NEW), entry(kernel=OLD), DesiredState())
    assert b"GRUB_DEFAULT=2\n" in plan.changes[0].content
    assert "is newer" in plan.notices[0]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"once": "old"}, "next boot alone"),
        ({"menu": None}, "no configuration of GRUB"),
    ],
)
def test_an_undecidable_menu_is_not_changed(more, words):
    here = replace(host(once=more.pop("once", "")), **more)
    plan = BootLoaderStep().plan(here, entry(), DesiredState())
    assert words in plan.blocked[0]
    assert not plan.changes


@pytest.mark.parametrize(
    ("tools", "config", "command"),
    [
        ({"grub-mkconfig"}, "/boot/grub/grub.cfg", "run grub-mkconfig -o /boot/grub/grub.cfg"),
        ({"grub2-mkconfig"}, "/boot/grub2/grub.cfg", "run grub2-mkconfig -o /boot/grub2/grub.cfg"),
        ({"grub2-mkconfig"}, "/boot/efi/EFI/centos/grub.cfg", "run grub2-mkconfig -o /boot/efi/EFI/centos/grub.cfg"),
    ],
)
def test_the_configuration_is_rebuilt_where_grub_reads_it(tools, config, command):
    plan = BootLoaderStep().plan(host(tools=frozenset(tools), config=config), entry(), DesiredState())
    assert plan.changes[-1].lines()[0].startswith(command)
    assert config in plan.changes[-1].saves


def test_a_reboot_needs_consent():
    plan = RebootStep().plan(host(kubelet=True), entry(), DesiredState())
    assert "--allow-reboot" in plan.blocked[0]
    assert "drain the node first" in plan.notices[0]
    (change,) = RebootStep().plan(host(), entry(), DesiredState(allow_reboot=True)).changes
    assert (change.release, change.boot_id) == (NEW, "one")


# Packages


def test_a_missing_kernel_is_copied_and_installed_without_a_network(tmp_path):
    here = host(installed=(OLD,))
    desired = DesiredState(
        (package(tmp_path, f"linux-image-{NEW}", "6.1", NEW), package(tmp_path, "firmware", "2", arch="all"))
    )
    plan = PackagesStep().plan(here, entry(), desired)
    install = plan.changes[-1]
    assert install.argv[:3] == ("apt-get", "-y", "--no-install-recommends")
    assert "Dir::Etc::sourcelist=/dev/null" in install.argv
    assert "remove" in install.undo
    assert install.unless_running == NEW
    there = replace(here, packages=frozenset((one.name, one.version, one.architecture) for one in desired.packages))
    assert PackagesStep().plan(there, entry(), desired).empty


@pytest.mark.parametrize(("tool", "verb"), [("yum", "localinstall"), ("dnf", "install")])
def test_rpms_are_installed_by_yum_and_dnf_and_only_new_names_are_removed(tmp_path, tool, verb):
    firmware = package(tmp_path, "linux-firmware", "2:20240101-1", arch="noarch", suffix=".rpm")
    kernel = package(tmp_path, "kernel-lt", "5.4.119-1.el7.elrepo", EL, arch="x86_64", suffix=".rpm")
    older = frozenset({("linux-firmware", "2:20200101-1", "noarch")})
    here = host(distribution="centos 7", tools=frozenset({tool, "rpm"}), packages=older)
    install = PackagesStep().plan(here, entry(kernel=""), DesiredState((kernel, firmware))).changes[-1]
    assert verb in install.argv
    assert "--disablerepo=*" in install.argv
    assert install.undo == ("rpm", "-e", "kernel-lt-5.4.119-1.el7.elrepo.x86_64")


@pytest.mark.parametrize(
    ("more", "change", "words"),
    [
        ({"suffix": ".rpm"}, {}, "takes no .rpm packages"),
        ({"arch": "arm64"}, {}, "not for a machine of x86_64"),
        ({"size": 4 << 20}, {"free": {"/boot": 5 << 20}}, "/boot has 5 MB free"),
        ({"size": 4 << 20}, {"free": {"/var/lib": 1 << 20}}, "/var/lib has no space"),
        ({}, {"tools": frozenset()}, "takes no"),
    ],
)
def test_a_package_that_cannot_be_installed_is_reported_first(tmp_path, more, change, words):
    desired = DesiredState((package(tmp_path, f"linux-image-{NEW}", "6.1", NEW, **more),))
    plan = PackagesStep().plan(host(**change), entry(), desired)
    assert words in plan.blocked[0]
    assert not plan.changes


def test_an_interrupted_installation_is_finished_first():
    plan = PackagesStep().plan(host(unfinished=True), entry(), DesiredState())
    assert [change.argv for change in plan.changes] == [("dpkg", "--configure", "-a")]


def test_a_kernel_that_no_package_brings_is_reported():
    assert "no installed kernel is 7.0" in PackagesStep().plan(host(), entry(kernel="7.0"), DesiredState()).blocked[0]


@pytest.mark.parametrize(
    ("release", "expected", "fits"),
    [
        (EL, "5.4", True), (EL, "5.41", False), ("5.40.1", "5.4", False), (EL, EL, True), (EL, ">=4.19", True),
        ("4.18.0-348.el8", ">=4.19", False), ("5.4.0", ">= 5.4.0", True), ("10.1.0", ">=9.9", True),
    ],
)  # fmt: skip
def test_kernels_are_compared_with_the_expected_one(release, expected, fits):
    assert satisfies(release, expected) is fits


def test_the_newest_is_found_by_version_and_not_alphabetically():
    assert newest(["5.9.0", "5.10.0", "5.4.119-1.el7"]) == "5.10.0"


# Modules and istioctl


def test_modules_are_loaded_and_kept_once(tmp_path):
    plan = ModulesStep().plan(host(), entry(), DesiredState())
    written, loading = plan.changes
    assert written.content.decode().splitlines()[1:] == ["ip_vs", "nf_conntrack"]
    assert loading.argv == ("modprobe", "-a", "nf_conntrack")
    done = host(loaded=frozenset({"ip_vs", "nf_conntrack"}), persisted={FILE: written.content.decode()})
    assert ModulesStep().plan(done, entry(), DesiredState()).empty


def test_modules_of_another_file_are_left_to_it():
    others = {
        "/etc/modules-load.d/k8s.conf": "# ip_vs is here\nip-vs\n; nf_conntrack\n",
        "/etc/modules": "nf_conntrack\n",
    }
    both = frozenset({"ip_vs", "nf_conntrack"})
    assert ModulesStep().plan(host(loaded=both, persisted=others), entry(), DesiredState()).empty
    others["/etc/modules"] = "nf_conntrack br_netfilter\n"
    plan = ModulesStep().plan(host(loaded=both, persisted=others), entry(), DesiredState())
    assert plan.changes[0].content.decode().splitlines()[1:] == ["nf_conntrack"]
    assert (
        ModulesStep().plan(host(builtin=both, loaded=frozenset(), loadable=frozenset()), entry(), DesiredState()).empty
    )


def test_a_kernel_without_a_module_is_reported():
    plan = ModulesStep().plan(host(loadable=frozenset()), entry(), DesiredState())
    assert plan.blocked == (f"the kernel {OLD} has no nf_conntrack",)


def test_istioctl_goes_to_control_plane_hosts(tmp_path):
    program = tmp_path / "istioctl"
    program.write_bytes(b"program")
    desired = DesiredState(istioctl=program, istioctl_sha256="d" * 64)
    assert IstioToolStep().plan(host(), entry(), desired).empty
    plan = IstioToolStep().plan(host(), entry(role="control-plane"), desired)
    assert [change.path for change in plan.changes] == ["/usr/local/bin/istioctl", "/etc/profile.d/meshproof-istio.sh"]
    assert IstioToolStep().plan(host(istioctl="d" * 64, profile=TEXT), entry(role="control-plane"), desired).empty


@pytest.mark.parametrize(("path", "found"), [("/usr/bin", "/usr/bin:/usr/local/bin"), ("/usr/local/bin:/bin", None)])
def test_the_profile_adds_to_path_once(path, found, tmp_path):
    (tmp_path / "p.sh").write_text(TEXT)
    shell = ["/bin/sh", "-c", f". {tmp_path}/p.sh; printf %s $PATH"]
    assert subprocess.run(shell, env={"PATH": path}, capture_output=True, text=True).stdout == (found or path)


# The journal and the survey


def note(state, step="boot loader", **change):
    return Entry("2020-01-01T00:00:00+00:00", "run", step, state, change, "why")


def test_a_journal_is_read_with_a_line_that_was_cut(tmp_path):
    entries = [note("begun", path="/a"), note("done", path="/a"), note("begun", path="/b")]
    text = "\n".join(one.line() for one in entries)
    assert parse(text[:-5] + "\n" + entries[0].line()) == [entries[0], entries[1], entries[0]]
    assert parse("{}\nnull\n[]\n\x00\n") == []
    assert stopped_at(entries) == entries[2]
    assert stopped_at(entries[:2]) is None


def test_changes_that_were_begun_and_not_undone_are_to_be_restored():
    entries = [note("begun", path="/a"), note("done", path="/a"), note("begun", path="/b"), note("failed", path="/b")]
    assert [one.change["path"] for one in not_undone(entries)] == ["/a", "/b"]
    assert [one.change["path"] for one in not_undone([*entries, note("undone", path="/a")])] == ["/b"]
    again = [*entries, note("undone", path="/a"), note("begun", path="/a")]
    assert [one.change["path"] for one in not_undone(again)] == ["/b", "/a"]


def test_packages_are_removed_last_and_after_a_reboot_from_their_kernel():
    packages = note("done", kind="command", undo=["x"], unlessRunning=NEW)
    kinds = [note("done", kind="file"), note("done", kind="reboot"), note("done", kind="command"), packages]
    assert [one.change["kind"] for one in ordered(list(reversed(kinds)))] == ["command", "file", "reboot", "command"]


def test_an_incomplete_survey_is_an_error():
    with pytest.raises(TargetError, match="was interrupted"):
        parse_survey("root\tMAo=\n", "worker-1")
    with pytest.raises(TargetError, match="not root"):
        parse_survey("root\tMTAwMAo=\nend\tZW5kCg==\n", "worker-1")


def test_plans_have_a_description_for_the_user(tmp_path):
    plan = BootLoaderStep().plan(host(), entry(), DesiredState())
    assert plan.changes[0].lines() == [
        f"edit {MAIN}: the last GRUB_DEFAULT must be 0, which starts {NEW}",
        "    @@ -1,2 +1,3 @@", "     GRUB_DEFAULT=saved", "    +GRUB_DEFAULT=0", "     GRUB_TIMEOUT=5",
    ]  # fmt: skip
    assert Path(plan.changes[1].argv[-1]) == Path("/boot/grub/grub.cfg")
