package main

import (
	"bytes"
	"context"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// serveVariable is the environment variable that turns the test executable into the provider.
const serveVariable = "QOVERYROTATION_TEST_SERVE"

// cookie and cookieValue are the environment variable that Terraform sets when it starts a provider.
const cookie, cookieValue = "TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"

// logged is part of every line of the SDK's loggers, and of no line of go-plugin.
const logged = `"@module":"sdk.`

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// levels returns the TF_LOG variables that are set.
func levels() map[string]string {
	set := map[string]string{}
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "TF_LOG") {
			set[name] = value
		}
	}
	return set
}

// withoutLevels unsets all TF_LOG variables until the end of the test.
func withoutLevels(t *testing.T) {
	t.Helper()
	for _, name := range append(slices.Collect(maps.Keys(levels())), logLevels...) {
		t.Setenv(name, "")
		unset(t, name)
	}
}

func unset(t *testing.T, name string) {
	t.Helper()
	if err := os.Unsetenv(name); err != nil {
		t.Fatal(err)
	}
}

func TestMuteLog(t *testing.T) {
	off := map[string]string{}
	for _, name := range logLevels {
		off[name] = "off"
	}
	withoutLevels(t)
	if err := muteLog(); err != nil || !maps.Equal(levels(), off) {
		t.Errorf("without a variable: %v, %v, want %v", levels(), err, off)
	}
	for _, name := range logLevels {
		unset(t, name)
	}
	t.Setenv("TF_LOG", "")
	off["TF_LOG"] = ""
	if err := muteLog(); err != nil || !maps.Equal(levels(), off) {
		t.Errorf("with an empty variable: %v, %v, want %v", levels(), err, off)
	}
}

func TestMuteLogLeavesWhatSomebodyWants(t *testing.T) {
	for _, name := range append([]string{
		"TF_LOG", "TF_LOG_CORE", "TF_LOG_PROVIDER", "TF_LOG_PATH", "TF_LOG_PATH_MASK", "TF_LOG_SDK_PROTO_DATA_DIR",
	}, logLevels...) {
		for _, level := range []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "OFF", "JSON"} {
			t.Run(name+"="+level, func(t *testing.T) {
				withoutLevels(t)
				t.Setenv(name, level)
				want := map[string]string{name: level}
				if err := muteLog(); err != nil || !maps.Equal(levels(), want) {
					t.Errorf("the variables are %v, %v, want %v", levels(), err, want)
				}
			})
		}
	}
}

// TestLog starts the provider as Terraform does and asks for its schema.
func TestLog(t *testing.T) {
	withoutLevels(t)
	for name, test := range map[string]struct {
		env  []string
		want bool
	}{
		"nobody reads it":          {},
		"Terraform writes all":     {env: []string{"TF_LOG=TRACE"}, want: true},
		"Terraform writes errors":  {env: []string{"TF_LOG_PROVIDER=ERROR"}, want: true},
		"Terraform writes to file": {env: []string{"TF_LOG_PATH=/dev/null"}, want: true},
		"somebody turned it off":   {env: []string{"TF_LOG_SDK=OFF"}},
	} {
		t.Run(name, func(t *testing.T) {
			if log := schemaLog(t, test.env); strings.Contains(log, logged) != test.want {
				t.Errorf("lines of the loggers are there: %t, want %t, in:\n%s", !test.want, test.want, log)
			}
		})
	}
}

// schemaLog returns what the provider writes to standard error until it has answered with its schema.
func schemaLog(t *testing.T, env []string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self)
	command.Env = append(os.Environ(), append(env, serveVariable+"=1")...)
	var log bytes.Buffer
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: cookie, MagicCookieValue: cookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{6: {"provider": connection{}}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     time.Minute,
		Cmd:              command,
		Stderr:           &log,
		Logger:           hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		t.Fatal(err)
	}
	provider, err := protocol.Dispense("provider")
	if err != nil {
		t.Fatal(err)
	}
	err = provider.(*grpc.ClientConn).Invoke(t.Context(), "/tfplugin6.Provider/GetProviderSchema", &emptypb.Empty{}, &emptypb.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	client.Kill() // Kill waits until standard error is read.
	return log.String()
}

// connection is a plugin whose client is its gRPC connection.
type connection struct{ plugin.NetRPCUnsupportedPlugin }

// GRPCServer implements [plugin.GRPCPlugin].
func (connection) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

// GRPCClient implements [plugin.GRPCPlugin].
func (connection) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return c, nil
}
