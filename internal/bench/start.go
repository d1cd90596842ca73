package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	// starts is how often each provider is started.
	starts = 15
	// sizeLimit is that of a release's executable.
	sizeLimit = 30e6
	// awsServices is where the AWS SDK has the services.
	awsServices = "github.com/aws/aws-sdk-go-v2/service/"
	// magicCookie makes a provider believe that Terraform started it.
	magicCookie = "TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
)

// schemaMethods are the calls that answer with the schema, by protocol version.
var schemaMethods = map[string]string{
	"5": "/tfplugin5.Provider/GetSchema",
	"6": "/tfplugin6.Provider/GetProviderSchema",
}

// measureStart compares how long it takes from the start of a provider's process to the answer with its schema.
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

// startProvider starts a provider like Terraform does and asks for its schema.
func startProvider(ctx context.Context, dir, path string) (elapsed time.Duration, err error) {
	command := exec.CommandContext(ctx, path)
	command.Env = []string{magicCookie, "PLUGIN_PROTOCOL_VERSIONS=5,6", "TMPDIR=" + dir, "HOME=" + dir}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := command.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("%s did not say where it serves: %w", path, err)
	}
	// Core protocol, version of the provider protocol, network, address, …
	fields := strings.Split(line, "|")
	if len(fields) < 4 {
		return 0, fmt.Errorf("%s said %q", path, line)
	}
	connection, err := grpc.NewClient(fields[2]+":"+fields[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	// The request has no fields, and nobody reads those of the answer.
	if err := connection.Invoke(ctx, schemaMethods[fields[1]], &emptypb.Empty{}, &emptypb.Empty{}); err != nil {
		return 0, fmt.Errorf("%s has no schema: %w", path, err)
	}
	return time.Since(start), nil
}

// measureSize tells the size of the executable and which services of AWS are in it.
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
	// The last three are what the credentials chain signs in with.
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
