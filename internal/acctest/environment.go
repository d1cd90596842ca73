package acctest

// Environment returns variables that make the Terraform processes of tests cheap. They are too short-lived to need a garbage
// collection. They also need no TLS keys for their connections to providers.
func Environment() map[string]string {
	return map[string]string{"GOGC": "off", "TF_DISABLE_PLUGIN_TLS": "1"}
}
