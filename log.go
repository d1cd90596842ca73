package main

import (
	"os"
	"strings"
)

// logLevels are the variables that set the levels of a provider's loggers. A logger whose variable is not set writes
// everything.
var logLevels = []string{"TF_LOG_SDK", "TF_LOG_SDK_PROTO", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_PROVIDER_QOVERYROTATION"}

// muteLog turns the loggers off if Terraform discards what they write, which it does unless a variable of its own log is
// set. They make tens of thousands of allocations per resource, which is a third of the provider's time in a large plan.
func muteLog() error {
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "TF_LOG") && value != "" {
			return nil
		}
	}
	for _, name := range logLevels {
		if err := os.Setenv(name, "off"); err != nil {
			return err
		}
	}
	return nil
}
