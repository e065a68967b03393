"""Plans that install what is missing on a host: kernels from packages, modules, istioctl, and what a journal says."""

import subprocess
from dataclasses import replace

import pytest
from meshproof.targets.hosts.bundle.package import Package
from meshproof.targets.hosts.prepare.desired import DesiredState, newest, satisfies
from meshproof.targets.hosts.prepare.journal import Entry, not_undone, parse, stopped_at
from meshproof.targets.hosts.prepare.restore import ordered
from meshproof.targets.hosts.prepare.steps.istio_tool import TEXT, IstioToolStep
from meshproof.targets.hosts.prepare.steps.modules import FILE, ModulesStep
from meshproof.targets.hosts.prepare.steps.packages import PackagesStep

from .surveyed_host import EL, NEW, OLD, entry, host


def package(tmp_path, name, version, kernel="", *, arch="amd64", suffix=".deb", size=100):
    path = tmp_path / f"{name}{suffix}"
    path.write_bytes(b"x" * size)
    return Package(path, name, version, arch, kernel)


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
