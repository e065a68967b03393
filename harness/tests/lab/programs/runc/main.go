// runc asks the real runc for no more than this machine may give: no capability outside of the bounding set, no
// OOM score below its own, no hard limit above its own. Without CAP_SYS_RESOURCE each of them makes runc refuse
// a privileged container ("unable to apply caps", "write oom_score_adj: permission denied").
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const genuine = "/usr/sbin/runc"
const sysResource = 24

func main() {
	bundle, process, command := ".", "", ""
	for i, argument := range os.Args[1:] {
		previous := os.Args[i]
		switch {
		case previous == "--bundle" || previous == "-b":
			bundle = argument
		case previous == "--process" || previous == "-p":
			process = argument
		case command == "" && slices.Contains([]string{"create", "run", "exec"}, argument):
			command = argument
		}
	}
	if boundingSet()&(1<<sysResource) == 0 {
		switch command {
		case "create", "run":
			rewrite(filepath.Join(bundle, "config.json"), "process")
		case "exec":
			if process != "" {
				rewrite(process, "")
			}
		}
	}
	fail(syscall.Exec(genuine, append([]string{"runc"}, os.Args[1:]...), os.Environ()))
}

func boundingSet() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	fail(err)
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "CapBnd:"); found {
			set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			fail(err)
			return set
		}
	}
	return ^uint64(0)
}

func rewrite(file string, key string) {
	content, err := os.ReadFile(file)
	fail(err)
	var whole map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(content)))
	decoder.UseNumber()
	fail(decoder.Decode(&whole))
	process := whole
	if key != "" {
		process, _ = whole[key].(map[string]any)
	}
	lessen(process)
	content, err = json.Marshal(whole)
	fail(err)
	fail(os.WriteFile(file, content, 0o600))
}

func lessen(process map[string]any) {
	if sets, ok := process["capabilities"].(map[string]any); ok {
		for name, set := range sets {
			if names, ok := set.([]any); ok {
				sets[name] = slices.DeleteFunc(names, func(one any) bool { return one == "CAP_SYS_RESOURCE" })
			}
		}
	}
	own, err := os.ReadFile("/proc/self/oom_score_adj")
	fail(err)
	least, err := strconv.ParseInt(strings.TrimSpace(string(own)), 10, 64)
	fail(err)
	asked := int64(0)
	if number, ok := process["oomScoreAdj"].(json.Number); ok {
		asked, _ = number.Int64()
	}
	if asked < least {
		process["oomScoreAdj"] = least
	}
	delete(process, "rlimits")
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "runc (lessened):", err)
		os.Exit(1)
	}
}
