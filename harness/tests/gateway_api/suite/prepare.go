// Command prepare makes a copy of the Gateway API's conformance suite that says what it would ask of a cluster.
//
//	go run prepare.go SUITE COPY
//
// The tests stay as they are. Of the packages that they call, each exported function that talks to a cluster gets a body
// that records its name and its arguments, and returns what lets the test go on.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const record = "sigs.k8s.io/gateway-api/conformance/record"

var (
	packages = []string{"kubernetes", "http", "grpc", "tls", "tcp", "udp", "echo", "weight"}
	// Functions that talk to nobody, and what a test's requests are made with.
	kept = regexp.MustCompile(`^(MakeRequest|CalculateHost|RouteTypeMustHaveParentsField|CaptureRequestResponseAndCompare|.*Entropy)$`)
	// Functions that talk to a cluster and do not take a test.
	others = regexp.MustCompile(`^(GetTLSSecret|GetConfigMapData|DumpEchoLogs|EchoSendOnce|TestWeightedDistribution.*)$`)
	// Arguments that say nothing about what is expected.
	silent = regexp.MustCompile(`testing\.T|Client|clientset|TimeoutConfig|RoundTripper|Sender|Dialer|Suite|Context|func\(|time\.`)
)

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: prepare SUITE COPY"))
	}
	suite, target := os.Args[1], os.Args[2]
	fail(filepath.WalkDir(suite, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		part, _ := filepath.Rel(suite, path)
		if entry.IsDir() {
			if part == "reports" {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(target, part), 0o755)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		folders := strings.Split(filepath.ToSlash(part), "/")
		if strings.HasSuffix(part, "_test.go") {
			return nil
		}
		if len(folders) == 3 && folders[0] == "utils" && slices.Contains(packages, folders[1]) && strings.HasSuffix(part, ".go") {
			if text, err = recording(folders[1], text); err != nil {
				return fmt.Errorf("%s: %w", part, err)
			}
		}
		return os.WriteFile(filepath.Join(target, part), text, 0o644)
	}))
}

// recording is a file of a package whose functions record what they are called with.
func recording(name string, text []byte) ([]byte, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", text, 0)
	if err != nil {
		return nil, err
	}
	var made bytes.Buffer
	for _, one := range file.Decls {
		function, is := one.(*ast.FuncDecl)
		if !is || !function.Name.IsExported() || kept.MatchString(function.Name.Name) {
			continue
		}
		types := shown(files, function.Type)
		if !strings.Contains(types, "*testing.T") && !others.MatchString(function.Name.Name) {
			continue
		}
		write(&made, files, name, function)
		// Its own body stays, under another name, so that what it imports is used.
		function.Name.Name = "asked" + function.Name.Name
	}
	if made.Len() == 0 {
		return text, nil
	}
	var out bytes.Buffer
	if err := format.Node(&out, files, file); err != nil {
		return nil, err
	}
	// An import of its own, which goes before all declarations.
	whole := strings.Replace(out.String(), "\nimport ", fmt.Sprintf("\nimport record %q\n\nimport ", record), 1)
	return []byte(whole + "\n" + made.String()), nil
}

// write adds a function that records.
func write(out *bytes.Buffer, files *token.FileSet, name string, function *ast.FuncDecl) {
	names, values := []string{}, []string{}
	receiver := ""
	if function.Recv != nil {
		one := function.Recv.List[0]
		receiver = fmt.Sprintf("(%s %s) ", one.Names[0].Name, shown(files, one.Type))
		names, values = append(names, `"receiver"`), append(values, one.Names[0].Name)
	}
	tested := "nil"
	for _, one := range function.Type.Params.List {
		for _, named := range one.Names {
			kind := shown(files, one.Type)
			if kind == "*testing.T" {
				tested = named.Name
			}
			if named.Name != "_" && (!silent.MatchString(kind) || kind == "func(elapsed time.Duration) bool") {
				names, values = append(names, fmt.Sprintf("%q", named.Name)), append(values, named.Name)
			}
		}
	}
	fmt.Fprintf(out, "\nfunc %s%s%s {\n", receiver, function.Name.Name, strings.TrimPrefix(shown(files, function.Type), "func"))
	results := []string{}
	if function.Type.Results != nil {
		for number, one := range function.Type.Results.List {
			fmt.Fprintf(out, "\tvar made%d %s\n", number, shown(files, one.Type))
			results = append(results, fmt.Sprintf("made%d", number))
		}
	}
	pointers := ""
	for _, one := range results {
		pointers += ", &" + one
	}
	fmt.Fprintf(out, "\trecord.Call(%s, %q, []string{%s}, []any{%s}%s)\n", tested, name+"."+function.Name.Name,
		strings.Join(names, ", "), strings.Join(values, ", "), pointers)
	if len(results) > 0 {
		fmt.Fprintf(out, "\treturn %s\n", strings.Join(results, ", "))
	}
	fmt.Fprint(out, "}\n")
}

func shown(files *token.FileSet, node any) string {
	var out bytes.Buffer
	fail(format.Node(&out, files, node))
	return out.String()
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
