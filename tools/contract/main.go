// Contract checks the wire format between the provider and Qovery's API.
//
// description.json contains Qovery's published description of the operations in use, and nothing else. The tests of this
// module compare every request of internal/qovery and every answer of internal/simulator with it. This command compares it
// with a newer published document, and adopts the changes.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// The files with the known description, in the working directory.
const (
	descriptionFile = "description.json"
	// accessKeysFile lists every property of Qovery's API that can contain an access key or its secret. A new property may
	// belong to a new kind of holder.
	accessKeysFile = "access-keys.txt"
)

func main() {
	update := flag.Bool("update", false, "write "+descriptionFile+" and "+accessKeysFile+" instead of comparing")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: contract [-update] openapi.yaml")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if *update {
		exit(false, takeOver(flag.Arg(0)))
	}
	exit(report(os.Stdout, flag.Arg(0)))
}

func exit(changed bool, err error) {
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case changed:
		os.Exit(1)
	}
	os.Exit(0)
}

// report compares the known description with a published document, and reports whether something changed.
func report(out io.Writer, path string) (changed bool, err error) {
	published, err := read(path)
	if err != nil {
		return false, err
	}
	description, err := read(descriptionFile)
	if err != nil {
		return false, err
	}
	keys, err := os.ReadFile(accessKeysFile)
	if err != nil {
		return false, err
	}
	text := compare(description, published, inUse, strings.Fields(string(keys)))
	_, err = io.WriteString(out, text)
	return text != "", err
}

// takeOver writes the description in a published document to the files.
func takeOver(path string) error {
	published, err := read(path)
	if err != nil {
		return err
	}
	if lost := missing(published, inUse); len(lost) > 0 {
		return fmt.Errorf("%s does not have %s", path, strings.Join(lost, ", "))
	}
	if err := os.WriteFile(descriptionFile, []byte(format(reduce(published, inUse), "")+"\n"), 0o600); err != nil {
		return err
	}
	return os.WriteFile(accessKeysFile, []byte(strings.Join(keyProperties(published), "\n")+"\n"), 0o600)
}
