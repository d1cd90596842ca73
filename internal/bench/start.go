package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	// starts is the number of times that each provider is started.
	starts = 15
	// sizeLimit is the maximum size of a release's executable.
	sizeLimit = 25.1e6
	// awsServices is the prefix of the AWS SDK's packages of services.
	awsServices = "github.com/aws/aws-sdk-go-v2/service/"
	// pluginName is Terraform's name for the plugin.
	pluginName = "provider"
)

var (
	// handshake is the configuration with which a provider recognizes that Terraform started it.
	handshake = plugin.HandshakeConfig{
		MagicCookieKey:   "TF_PLUGIN_MAGIC_COOKIE",
		MagicCookieValue: "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
	}
	// schemaMethods are the methods that return the schema, by protocol version.
	schemaMethods = map[int]string{5: "/tfplugin5.Provider/GetSchema", 6: "/tfplugin6.Provider/GetProviderSchema"}
)

// measureStart compares the times from the start of a provider's process to the answer with its schema.
func measureStart(ctx context.Context, b *bench) ([]row, error) {
	var ours, theirs []time.Duration
	for range starts {
		for _, one := range []struct {
			path  string
			times *[]time.Duration
		}{{b.provider.Path, &ours}, {b.time.Path, &theirs}} {
			elapsed, err := startProvider(ctx, b.dir, one.path)
			if err != nil {
				return nil, err
			}
			*one.times = append(*one.times, elapsed)
		}
	}
	us, them := median(ours), median(theirs)
	return []row{limited("start of the provider to its schema: "+milliseconds(us), us.Seconds()/them.Seconds(), 1.3, ratio,
		"hashicorp/time: "+milliseconds(them))}, nil
}

// startProvider starts a provider and requests its schema, like Terraform.
func startProvider(ctx context.Context, dir, path string) (elapsed time.Duration, err error) {
	command := exec.CommandContext(ctx, path)
	command.Env = []string{"TMPDIR=" + dir, "HOME=" + dir}
	plugins := plugin.PluginSet{pluginName: connectionPlugin{}}
	start := time.Now()
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  handshake,
		VersionedPlugins: map[int]plugin.PluginSet{5: plugins, 6: plugins},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		Cmd:              command,
		Logger:           hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		return 0, err
	}
	connection, err := protocol.Dispense(pluginName)
	if err != nil {
		return 0, err
	}
	// The request has no fields, and those of the answer are not needed.
	method := schemaMethods[client.NegotiatedVersion()]
	if err := connection.(*grpc.ClientConn).Invoke(ctx, method, &emptypb.Empty{}, &emptypb.Empty{}); err != nil {
		return 0, fmt.Errorf("%s has no schema: %w", path, err)
	}
	return time.Since(start), nil
}

// connectionPlugin returns the connection to a provider.
type connectionPlugin struct{ plugin.NetRPCUnsupportedPlugin }

// GRPCServer implements [plugin.GRPCPlugin].
func (connectionPlugin) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("this is a client")
}

// GRPCClient implements [plugin.GRPCPlugin].
func (connectionPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, connection *grpc.ClientConn) (any, error) {
	return connection, nil
}

// measureSize measures the size of the executable, and lists the AWS services in it.
func measureSize(ctx context.Context, b *bench) ([]row, error) {
	size := func(path string) (int64, error) {
		info, err := os.Stat(path)
		if err != nil {
			return 0, err
		}
		return info.Size(), nil
	}
	ours, err := size(b.provider.Path)
	if err != nil {
		return nil, err
	}
	theirs, err := size(b.time.Path)
	if err != nil {
		return nil, err
	}
	packages, err := exec.CommandContext(ctx, "go", "list", "-deps", ".").Output()
	if err != nil {
		return nil, err
	}
	var services []string
	for line := range strings.Lines(string(packages)) {
		service, ok := strings.CutPrefix(strings.TrimSpace(line), awsServices)
		if ok && !strings.Contains(service, "/") {
			services = append(services, service)
		}
	}
	// The credentials chain needs the last three to sign in.
	needed := []string{"iam", "sts", "sso", "ssooidc", "signin"}
	unneeded := slices.DeleteFunc(slices.Clone(services), func(service string) bool { return slices.Contains(needed, service) })
	return []row{
		limited("size of the executable", ours, sizeLimit, megabytes, "hashicorp/time: "+megabytes(theirs)),
		{
			what: "services of AWS in it that are not used", measured: strings.Join(unneeded, ", "), limit: "none",
			comparison: strings.Join(needed, ", ") + " are used", missed: len(unneeded) > 0,
		},
	}, nil
}
