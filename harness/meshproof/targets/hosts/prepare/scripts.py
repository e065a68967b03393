"""The shell scripts that change files on a host. Each is POSIX sh, runs as root, and may be interrupted anywhere.

A file is never written in place: its content goes to a hidden file beside it, is checked against its checksum,
flushed to the disk, and then renamed to the file's name. The backup of a file is made once, before the
first change, and keeps the content from before any change to the host.
"""

from __future__ import annotations

STATE = "/var/lib/meshproof"
BACKUP = f"{STATE}/backup"
JOURNAL = f"{STATE}/journal.ndjson"
JOBS = f"{STATE}/jobs"
FILES = f"{STATE}/files"
CHANGED_MEANWHILE, INCOMPLETE = 76, 75

_COMMON = f"""
set -eu
umask 077
flush() {{ sync -- "$1" 2>/dev/null || sync; }}
sum() {{ sha256sum < "$1" | cut -c1-64; }}
mkdir -p {BACKUP}
# Only a complete backup gets its name, so that an interrupted one is made again.
save() {{
  kept="{BACKUP}$1"
  [ ! -e "$kept" ] && [ ! -L "$kept" ] && [ ! -e "$kept.absent" ] || return 0
  mkdir -p "${{kept%/*}}"
  if [ -e "$1" ]; then
    cp -a -- "$1" "$kept.new"; flush "$kept.new"; mv -f -- "$kept.new" "$kept"
  else
    : > "$kept.absent"; flush "$kept.absent"
  fi
  flush "${{kept%/*}}"
}}
real() {{ if [ -e "$1" ]; then readlink -f -- "$1"; else printf %s "$1"; fi; }}
"""

# PATH SHA256 MODE SHA256_BEFORE (or "absent", or "any"); the content is standard input.
WRITE = (
    _COMMON
    + f"""
target=$(real "$1")
dir=${{target%/*}}
mkdir -p -m 755 "$dir"
new="$dir/.${{target##*/}}.meshproof-new"
trap 'rm -f -- "$new"' EXIT
trap 'exit 1' HUP INT TERM
rm -f -- "$new"
if [ -e "$target" ]; then cp -a --attributes-only -- "$target" "$new"; else : > "$new"; fi
cat > "$new"
if [ "$(sum "$new")" != "$2" ]; then echo "the content did not arrive whole" >&2; exit {INCOMPLETE}; fi
if [ -e "$target" ]; then now=$(sum "$target"); else now=absent; chmod "$3" "$new"; fi
if [ "$4" != any ] && [ "$4" != "$now" ]; then
  echo "$1 was changed by somebody else meanwhile" >&2; exit {CHANGED_MEANWHILE}
fi
flush "$new"
save "$target"
mv -f -- "$new" "$target"
flush "$dir"
[ "$now" != absent ] || ! command -v restorecon >/dev/null 2>&1 || restorecon -- "$target" || :
"""
)

# PATH SHA256 MODE: the upload in FILES is moved to PATH.
PLACE = (
    _COMMON
    + f"""
part="{FILES}/$2.part"
if [ "$(sum "$part")" != "$2" ]; then
  rm -f -- "$part"; echo "what arrived is not what was sent" >&2; exit {INCOMPLETE}
fi
target=$(real "$1")
mkdir -p -m 755 "${{target%/*}}"
new="${{target%/*}}/.${{target##*/}}.meshproof-new"
trap 'rm -f -- "$new"' EXIT
trap 'exit 1' HUP INT TERM
rm -f -- "$new"
cp -- "$part" "$new"
chmod "$3" "$new"
flush "$new"
save "$target"
mv -f -- "$new" "$target"
flush "${{target%/*}}"
! command -v restorecon >/dev/null 2>&1 || restorecon -- "$target" || :
rm -f -- "$part"
"""
)

# SHA256 OFFSET: standard input is appended there; prints the size that there is now.
APPEND = f"""
set -eu
umask 077
mkdir -p {FILES}
part="{FILES}/$1.part"
[ -e "$part" ] || : > "$part"
if [ "$2" != ask ]; then
  [ "$(stat -c %s "$part")" = "$2" ] || {{ echo "another transfer of the same file is under way" >&2; exit 1; }}
  cat >> "$part"
fi
stat -c %s "$part"
"""

# PATH...: backed up before a command changes them.
SAVE = (
    _COMMON
    + """
for path in "$@"; do save "$(real "$path")"; done
"""
)

# PATH SHA256 (of the changed content, or "any"): the backup is restored.
PUT_BACK = (
    _COMMON
    + f"""
target=$(real "$1")
kept="{BACKUP}$target"
if [ ! -e "$kept" ] && [ ! -e "$kept.absent" ]; then echo untouched; exit 0; fi
if [ -e "$target" ]; then now=$(sum "$target"); else now=absent; fi
if [ -e "$kept" ]; then was=$(sum "$kept"); else was=absent; fi
if [ "$now" = "$was" ]; then echo same; exit 0; fi
if [ "$2" != any ] && [ "$now" != "$2" ]; then
  echo "$1 was changed by somebody else since; the original is kept in $kept" >&2; exit {CHANGED_MEANWHILE}
fi
if [ "$was" = absent ]; then
  rm -f -- "$target"
else
  new="${{target%/*}}/.${{target##*/}}.meshproof-new"
  trap 'rm -f -- "$new"' EXIT
  trap 'exit 1' HUP INT TERM
  cp -a -- "$kept" "$new"; flush "$new"; mv -f -- "$new" "$target"
fi
flush "${{target%/*}}"
echo restored
"""
)

# The line on standard input is appended to the journal. An incomplete last line is terminated first.
NOTE = f"""
set -eu
umask 077
mkdir -p {STATE}
[ ! -s {JOURNAL} ] || [ -z "$(tail -c 1 {JOURNAL})" ] || echo >> {JOURNAL}
line=$(cat)
case $line in *'}}') ;; *) exit {INCOMPLETE} ;; esac
printf '%s\\n' "$line" >> {JOURNAL}
sync {JOURNAL} 2>/dev/null || sync
"""

# ID COMMAND [ARG...]: starts it unless it runs already; one that failed or died before is started again.
START = f"""
set -eu
umask 077
job="{JOBS}/$1"; shift
mkdir -p "$job"
boot=$(cat /proc/sys/kernel/random/boot_id)
if [ -e "$job/pid" ] && [ ! -e "$job/rc" ] && [ "$(cat "$job/boot" 2>/dev/null)" = "$boot" ] \\
  && [ "$(cut -d' ' -f22 "/proc/$(cat "$job/pid")/stat" 2>/dev/null)" = "$(cat "$job/started" 2>/dev/null)" ]; then
  echo attached; exit 0
fi
rm -f "$job/rc" "$job/log" "$job/pid" "$job/started"
printf %s "$boot" > "$job/boot"
: > "$job/log"
setsid sh -c '
  job=$1; shift
  echo $$ > "$job/pid"; cut -d" " -f22 "/proc/$$/stat" > "$job/started"; : > "$job/up"
  code=0; "$@" || code=$?
  echo "$code" > "$job/rc.new"; sync; mv "$job/rc.new" "$job/rc"
' sh "$job" "$@" > "$job/log" 2>&1 < /dev/null &
n=0; while [ ! -e "$job/up" ] && [ $n -lt 100 ]; do sleep 0.05; n=$((n+1)); done
rm -f "$job/up"
echo started
"""

# ID SECONDS: waits so long at most; prints the exit code, `running` or `gone`, and then the log's tail.
WAIT = f"""
set -eu
job="{JOBS}/$1"
end=$(( $(date +%s) + $2 ))
while [ ! -e "$job/rc" ]; do
  if [ "$(cut -d' ' -f22 "/proc/$(cat "$job/pid")/stat" 2>/dev/null)" != "$(cat "$job/started")" ]; then
    [ -e "$job/rc" ] && break
    echo gone; tail -c 3000 "$job/log"; exit 0
  fi
  if [ "$(date +%s)" -ge "$end" ]; then echo running; exit 0; fi
  sleep 0.2
done
cat "$job/rc"
tail -c 3000 "$job/log"
"""
