#!/usr/bin/env bash
# Prometheus 2.42 (promtool, of Debian 12): tests of alerts are a success where the file of the rules, or the alert, is not there.
#
# `promtool test rules` reckons what alerts fire over series that a test gives, so that the alert for a canary's errors,
# which is to stop it and is not to fire for one error in a hundred, is tested before anybody needs it. A file of rules
# that is not found is a warning on stderr, as with a pattern that matches nothing; the test goes on without any rule, no
# alert fires, and whatever says that none is to fire is a SUCCESS, exit code 0. The name of an alert that no rule has is
# not worth even that. So a folder that was renamed, or an alert, leaves green tests of nothing; `promtool check rules` of
# such a file ends with 1. A test that an alert does fire, beside each that it does not, is what tells.
#
# Seen on 2026-12-01 (an alert above 5 % of errors; the test says that it is not to fire; exit codes of promtool):
#   1 % of errors:                          0
#   90 % of errors:                         1
#   90 %, the alert's name misspelt:        0
#   90 %, the file's name misspelt:         0, with a warning
#   90 %, a pattern that matches no file:   0, with a warning
#   check rules, the file's name misspelt:  1
# It needs Debian 12, whose package of Prometheus it unpacks in the temporary folder.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download prometheus >/dev/null 2>&1
dpkg -x prometheus_*.deb root
cat >rules.yaml <<'YAML'
groups:
- name: shop
  rules:
  - alert: CanaryFails
    expr: sum(rate(istio_requests_total{response_code=~"5.."}[1m])) / sum(rate(istio_requests_total[1m])) > 0.05
YAML
# promtool ARGUMENT…: its exit code, and whether it warned.
promtool() {
  local code=0 warned=''
  timeout 100 root/usr/bin/promtool "$@" >log 2>&1 || code=$?
  if grep -q WARNING log; then warned=', with a warning'; fi
  echo "$code$warned"
}
# try FILES ALERT GOOD BAD: of so many answers in ten seconds; no alert is to fire.
try() {
  cat >test.yaml <<YAML
rule_files: ['$1']
tests:
- interval: 10s
  input_series:
  - {series: 'istio_requests_total{response_code="200"}', values: '0+$3x30'}
  - {series: 'istio_requests_total{response_code="503"}', values: '0+$4x30'}
  alert_rule_test:
  - {alertname: $2, eval_time: 4m, exp_alerts: []}
YAML
  promtool test rules test.yaml
}
seen="1 % of errors: $(try rules.yaml CanaryFails 99 1)
90 % of errors: $(try rules.yaml CanaryFails 10 90)
90 %, the alert's name misspelt: $(try rules.yaml CanaryFialed 10 90)
90 %, the file's name misspelt: $(try rulse.yaml CanaryFails 10 90)
90 %, a pattern that matches no file: $(try 'alerts/*.yaml' CanaryFails 10 90)
check rules, the file's name misspelt: $(promtool check rules rulse.yaml)"
echo "$seen"
stated="1 % of errors: 0
90 % of errors: 1
90 %, the alert's name misspelt: 0
90 %, the file's name misspelt: 0, with a warning
90 %, a pattern that matches no file: 0, with a warning
check rules, the file's name misspelt: 1"
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
