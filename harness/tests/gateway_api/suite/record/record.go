// Package record writes down what the tests of the Gateway API's conformance suite ask for, in the order in which they do.
package record

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sync"
	"testing"
	"time"
)

// Step is one call: the test that made it, the function, and its arguments.
type Step struct {
	Test string         `json:"test"`
	Call string         `json:"call"`
	With map[string]any `json:"with"`
}

var (
	mutex sync.Mutex
	steps []Step
	// Hostnames are those of each TLSRoute, by namespace and name.
	Hostnames = map[string][]string{}
)

// Take gives the steps since it was last asked.
func Take() []Step {
	mutex.Lock()
	defer mutex.Unlock()
	taken := steps
	steps = nil
	return taken
}

// Call records one call, and fills in what it returns.
func Call(t *testing.T, call string, names []string, values []any, results ...any) {
	step := Step{Call: call, With: map[string]any{}}
	if t != nil {
		step.Test = t.Name()
	}
	var once func(time.Duration) bool
	subject := ""
	for number, value := range values {
		if function, is := value.(func(time.Duration) bool); is {
			once = function
			continue
		}
		if found := place(value); found != "" {
			if subject == "" || reflect.TypeOf(value).Name() == "NamespacedName" {
				subject = found
			}
			step.With[names[number]] = found
			continue
		}
		if bytes, is := value.([]byte); is {
			step.With[names[number]] = string(bytes)
			continue
		}
		if text, err := json.Marshal(value); err == nil {
			step.With[names[number]] = json.RawMessage(text)
		} else {
			step.With[names[number]] = fmt.Sprint(value)
		}
	}
	mutex.Lock()
	// Five times five hundred times the same request are the same request.
	if len(steps) == 0 || !reflect.DeepEqual(steps[len(steps)-1], step) {
		steps = append(steps, step)
	}
	mutex.Unlock()
	if once != nil {
		once(0)
	}
	for _, result := range results {
		fill(result, subject, values)
	}
}

// place is what a reference to an object looks like: name.namespace, for Gateways with a listener after a colon.
func place(value any) string {
	of := reflect.Indirect(reflect.ValueOf(value))
	if !of.IsValid() || of.Kind() != reflect.Struct {
		return ""
	}
	name, namespace := of.FieldByName("Name"), of.FieldByName("Namespace")
	if !name.IsValid() || !namespace.IsValid() || name.Kind() != reflect.String || of.FieldByName("Request").IsValid() ||
		of.FieldByName("ObjectMeta").IsValid() {
		return ""
	}
	shown := name.String() + "." + namespace.String()
	if listeners := of.FieldByName("listenerNames"); listeners.IsValid() {
		shown += ":"
		if listeners.Len() > 0 {
			shown += listeners.Index(0).Elem().String()
		}
	}
	return shown
}

func fill(result any, subject string, values []any) {
	of := reflect.ValueOf(result).Elem()
	switch made := result.(type) {
	case *string:
		*made = subject
		return
	case *func():
		*made = func() {}
		return
	case *[]byte:
		*made = fmt.Appendf(nil, "Secret %s", subject)
		return
	case *map[string]string:
		*made = map[string]string{"ca.crt": "ConfigMap " + subject}
		return
	}
	if of.Kind() == reflect.Slice && of.Type().Elem().Kind() == reflect.String {
		for _, value := range values {
			several := reflect.ValueOf(value)
			if several.Kind() != reflect.Slice || several.Len() == 0 {
				continue
			}
			for _, host := range Hostnames[place(several.Index(0).Interface())] {
				of.Set(reflect.Append(of, reflect.ValueOf(host).Convert(of.Type().Elem())))
			}
		}
	}
	if of.Kind() == reflect.Struct && of.Type().Name() == "MeshPod" {
		of.FieldByName("Name").SetString(fmt.Sprint(values[0]))
		of.FieldByName("Address").SetString("address-of-a-pod")
		if len(values) > 1 {
			of.FieldByName("Namespace").SetString(fmt.Sprint(values[1]))
		} else {
			of.FieldByName("Namespace").SetString("gateway-conformance-mesh")
		}
	}
}

// Write puts something into the file that MESHPROOF_RECORD names, as one line of JSON.
func Write(value any) error {
	file, err := os.OpenFile(os.Getenv("MESHPROOF_RECORD"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	return json.NewEncoder(file).Encode(value)
}
