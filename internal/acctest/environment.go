package acctest

// Environment is what makes the Terraform processes of tests cheap, for their environment. They end before garbage matters,
// so collecting it is wasted work, and so are the keys for their pipes to providers.
func Environment() map[string]string {
	return map[string]string{"GOGC": "off", "TF_DISABLE_PLUGIN_TLS": "1"}
}
