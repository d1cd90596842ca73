package provider_test

import (
	"context"
	"flag"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

// curlName is the name under which the test's executable does what the guides need of curl, which not every machine has.
const curlName = "curl"

// curl prints what an address answers, and ends the process with an error for an answer that is one.
func curl(args []string) {
	flags := flag.NewFlagSet(curlName, flag.ExitOnError)
	for _, name := range []string{"fail", "silent", "show-error"} {
		flags.Bool(name, false, "is how it always is")
	}
	header := flags.String("header", "", "a header of the request")
	_ = flags.Parse(args) // ExitOnError.
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, flags.Arg(0), http.NoBody)
	if err != nil {
		log.Fatal(err)
	}
	name, value, _ := strings.Cut(*header, ": ")
	request.Header.Set(name, value)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		log.Fatal(response.Status)
	}
	if _, err := io.Copy(os.Stdout, response.Body); err != nil {
		log.Fatal(err)
	}
}
