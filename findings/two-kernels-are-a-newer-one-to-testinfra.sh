#!/usr/bin/env bash
# pytest-testinfra 10.2.2 on a host with RPM (here rpm 4.18.0 of Debian 12): two kernels that are too old are new enough together.
#
# A kernel is never replaced: an upgrade installs the new one beside the old, so that one can go back. For such a package
# `host.package("kernel-lt").version` is all versions in one word, without anything between them, and `release` likewise.
# 5.4.9 and 5.4.10 are the version "5.4.95.4.10", which is above a minimum of 5.4.50 by any way to compare versions, though neither is. After the
# right kernel was installed a test for it fails, since the word begins with the old one's version. Of a host whose
# old kernels were removed all is well, so that the tests that were tried there say nothing of the others.
#
# Seen on 2026-12-01 (host.package("kernel-lt"), asked after each installation):
#   5.4.9:                     version "5.4.9", release "1.el7"
#   5.4.10 beside it:          version "5.4.95.4.10", release "1.el71.el7"; at least 5.4.50: True
#   6.1.119 beside them:       version "5.4.95.4.106.1.119"; begins with 6.1: False
# It needs Debian 12, whose packages of rpm it unpacks in the temporary folder; the kernels are empty packages.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check pytest-testinfra==10.2.2 packaging==26.0
mkdir -p home/db packages
(cd packages && apt-get download rpm rpm-common librpm9 librpmio9 librpmbuild9 librpmsign9 libpopt0 liblua5.3-0 >/dev/null 2>&1)
for package in packages/*.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find root -name librpm.so.9)")
export HOME=$dir/home LD_LIBRARY_PATH=$dir/$libraries RPM_CONFIGDIR=$dir/root/usr/lib/rpm PATH=$dir/root/usr/bin:$PATH
printf '%%_topdir %s/home/build\n%%_dbpath %s/home/db\n%%__os_install_post %%nil\n' "$dir" "$dir" >home/.rpmmacros
cat >ask.py <<'PY'
import sys

import testinfra
from packaging.version import Version

host = testinfra.get_host("local://")
# What tells testinfra that a host has RPM; this one is Debian's.
host.system_info.sysinfo["distribution"] = "centos"
kernel = host.package("kernel-lt")
print(f"{sys.argv[1]}: {kernel.version} {kernel.release}, at least 5.4.50: {Version(kernel.version) >= Version('5.4.50')}, 6.1: {kernel.version.startswith('6.1')}")
PY
for version in 5.4.9 5.4.10 6.1.119; do
  printf '%s\n' 'Name: kernel-lt' "Version: $version" 'Release: 1.el7' 'Summary: A kernel' 'License: GPLv2' 'BuildArch: noarch' '%description' 'A kernel.' '%files' >kernel.spec
  rpmbuild -bb --quiet kernel.spec >built 2>&1 || { cat built >&2; exit 1; }
  rpm -i --justdb --nodeps "home/build/RPMS/noarch/kernel-lt-$version-1.el7.noarch.rpm" 2>/dev/null
  timeout 300 venv/bin/python ask.py "$version"
done >seen
cat seen
stated='5.4.9: 5.4.9 1.el7, at least 5.4.50: False, 6.1: False
5.4.10: 5.4.95.4.10 1.el71.el7, at least 5.4.50: True, 6.1: False
6.1.119: 5.4.95.4.106.1.119 1.el71.el71.el7, at least 5.4.50: True, 6.1: False'
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
