"""The path of EL: rpms installed by dnf, and GRUB by the names and places that EL gives it.

The root is Debian's, with its dnf and GRUB, under EL's names; EL's own yum, grubby and scriptlets are not tried here.
"""

import shutil
import subprocess

import pytest
from meshproof.errors import UsageError

OLD, NEW = "3.10.0-1160.el7.x86_64", "5.4.119-1.el7.elrepo.x86_64"
SPEC = f"""
Name: kernel-lt
Version: 5.4.119
Release: 1.el7.elrepo
Summary: a kernel of a test, which is a text
License: none
Provides: installonlypkg(kernel)
%description
Nothing that boots.
%install
mkdir -p %{{buildroot}}/boot
echo kernel > %{{buildroot}}/boot/vmlinuz-{NEW}
%files
/boot/vmlinuz-{NEW}
"""
AS_EL = f"""
set -e
rm -rf /boot/* /etc/debian_version /var/lib/rpm /usr/lib/sysimage/rpm
printf 'ID="centos"\\nVERSION_ID="7"\\n' > /usr/lib/os-release
mkdir -p /boot/grub2
ln -s grub2 /boot/grub
ln -sf "$(command -v grub-mkconfig)" /usr/sbin/grub2-mkconfig
ln -sf ../boot/grub2/grub.cfg /etc/grub2.cfg
echo kernel > /boot/vmlinuz-{OLD}
grub-editenv /boot/grub2/grubenv create
grub-editenv /boot/grub2/grubenv set saved_entry=gnulinux-{OLD}-advanced-0f0f-0f0f
grub-mkconfig -o /boot/grub2/grub.cfg
rpm --initdb
"""


@pytest.fixture
def bundle(tmp_path):
    if not shutil.which("rpmbuild") or not shutil.which("dnf"):
        pytest.skip("needs rpmbuild and dnf (Debian: rpm, dnf)")
    (tmp_path / "a.spec").write_text(SPEC)
    define = ["--define", f"_topdir {tmp_path}/rpm", "--target", "x86_64"]
    subprocess.run(["rpmbuild", "-bb", *define, tmp_path / "a.spec"], check=True, capture_output=True)
    (built,) = (tmp_path / "rpm/RPMS").rglob("*.rpm")
    folder = tmp_path / "bundle"
    (folder / "kernel").mkdir(parents=True)
    shutil.copy(built, folder / "kernel")
    return folder


def test_a_kernel_of_elrepo_is_installed_set_and_removed(scratch, go, back, bundle):
    scratch.run(AS_EL)
    inventory = scratch.inventory("{modules: []}")
    planned, _ = go(inventory, apply=False, bundle=str(bundle))
    lines = [line for plan in planned.hosts[0].plans for change in plan.changes for line in change.lines()]
    assert any("dnf -y '--disablerepo=*'" in line for line in lines)
    assert any("grub2-mkconfig -o /boot/grub2/grub.cfg" in line for line in lines)
    with pytest.raises(UsageError, match=f"{NEW} runs after a reboot"):
        go(inventory, bundle=str(bundle))
    assert scratch.run("rpm -q kernel-lt") == "kernel-lt-5.4.119-1.el7.elrepo.x86_64"
    config = scratch.run("cat /boot/grub2/grub.cfg")
    assert 'set default="0"' in config
    assert config.index(f"vmlinuz-{NEW}") < config.index(f"vmlinuz-{OLD}")
    assert scratch.run("cat /etc/default/grub").splitlines()[:2] == ["GRUB_DEFAULT=saved", "GRUB_DEFAULT=0"]
    back(inventory)
    assert "not installed" in scratch.run("rpm -q kernel-lt", check=False)
    assert NEW not in scratch.run("ls /boot; cat /boot/grub2/grub.cfg")
