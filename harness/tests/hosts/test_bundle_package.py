"""The metadata of package files, read from packages that Debian's own tools build."""

import shutil
import subprocess

import pytest
from meshproof.errors import UsageError
from meshproof.targets.hosts.bundle.package import read_package

SPEC = """
Name: {name}
Version: {version}
Release: {release}
{epoch}
Summary: a package of a test
License: none
%description
Nothing.
%install
mkdir -p %{{buildroot}}{folder}
echo kernel > %{{buildroot}}{file}
%files
{file}
"""


def deb(tmp_path, name, version, arch="amd64", compression="xz"):
    if not shutil.which("dpkg-deb"):
        pytest.skip("needs dpkg-deb (Debian: dpkg)")
    root = tmp_path / "deb"
    (root / "DEBIAN").mkdir(parents=True, exist_ok=True)
    (root / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: {arch}\nMaintainer: Nobody <nobody@localhost>\n"
        "Description: a package of a test\n Architecture: none of its fields\n"
    )
    path = tmp_path / f"{name}_{version.replace(':', '%3a')}_{arch}.deb"
    subprocess.run(
        ["dpkg-deb", f"-Z{compression}", "--root-owner-group", "-b", root, path], check=True, capture_output=True
    )
    return path


def rpm(tmp_path, name, version, release, file, epoch=""):
    if not shutil.which("rpmbuild"):
        pytest.skip("needs rpmbuild (Debian: rpm)")
    spec = tmp_path / "a.spec"
    epoch = f"Epoch: {epoch}" if epoch else ""
    folder = file.rpartition("/")[0]
    spec.write_text(SPEC.format(name=name, version=version, release=release, epoch=epoch, file=file, folder=folder))
    command = ["rpmbuild", "-bb", "--target", "x86_64", "--define", f"_topdir {tmp_path}/rpm", spec]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = (tmp_path / "rpm/RPMS").rglob(f"{name}-*.rpm")
    return path


@pytest.mark.parametrize("compression", ["xz", "gzip", "none", "zstd"])
def test_the_name_version_and_kernel_of_a_deb(tmp_path, compression):
    package = read_package(deb(tmp_path, "linux-image-6.1.0-2-cloud-amd64", "1:6.1.5-1", compression=compression))
    assert (package.name, package.version, package.architecture) == (
        "linux-image-6.1.0-2-cloud-amd64",
        "1:6.1.5-1",
        "amd64",
    )
    assert package.kernel == "6.1.0-2-cloud-amd64"
    assert read_package(deb(tmp_path, "linux-image-amd64", "6.1", compression=compression)).kernel == ""


@pytest.mark.parametrize(
    "file", ["/boot/vmlinuz-5.4.119-1.el7.elrepo.x86_64", "/lib/modules/5.4.119-1.el7.elrepo.x86_64/vmlinuz"]
)
def test_the_name_version_and_kernel_of_an_rpm(tmp_path, file):
    package = read_package(rpm(tmp_path, "kernel-lt", "5.4.119", "1.el7.elrepo", file))
    assert (package.name, package.version, package.architecture) == ("kernel-lt", "5.4.119-1.el7.elrepo", "x86_64")
    assert package.kernel == "5.4.119-1.el7.elrepo.x86_64"


def test_an_epoch_belongs_to_the_version_and_firmware_is_no_kernel(tmp_path):
    package = read_package(rpm(tmp_path, "linux-firmware", "20240101", "1", "/usr/lib/firmware/x", epoch="2"))
    assert (package.version, package.kernel) == ("2:20240101-1", "")


@pytest.mark.parametrize("suffix", [".rpm", ".deb"])
def test_a_file_that_is_no_package_is_refused(tmp_path, suffix):
    for number, data in enumerate((b"", b"nothing", b"\xed\xab\xee\xdb" + b"\xff" * 300, b"!<arch>\n" + b"9" * 60)):
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(data)
        with pytest.raises(UsageError, match=str(number)):
            read_package(path)


def test_a_package_that_was_cut_is_refused(tmp_path):
    for path in (deb(tmp_path, "linux-image-1", "1"), rpm(tmp_path, "kernel-lt", "1", "1", "/boot/vmlinuz-1")):
        whole = path.read_bytes()
        for keep in (50, 150, 200):
            path.write_bytes(whole[:keep])
            with pytest.raises(UsageError, match="damaged"):
                read_package(path)
