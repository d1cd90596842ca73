package main

import (
	"os"
	"strings"
)

// logLevels are the environment variables that set the levels of the provider's loggers. Without its variable, a logger writes
// everything.
var logLevels = []string{"TF_LOG_SDK", "TF_LOG_SDK_PROTO", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_PROVIDER_QOVERYROTATION"}

// muteLog turns the loggers off if no TF_LOG variable is set, because Terraform then discards the log. Logging makes tens of
// thousands of allocations per resource, a third of the provider's time in a large plan.
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
