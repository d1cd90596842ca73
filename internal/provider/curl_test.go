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

// curlName is the name under which the test executable replaces curl for the guides, because not every machine has curl.
const curlName = "curl"

// curl prints the response to a GET request. It exits with an error if the response has an error status.
func curl(args []string) {
	flags := flag.NewFlagSet(curlName, flag.ExitOnError)
	for _, name := range []string{"fail", "silent", "show-error"} {
		flags.Bool(name, false, "is always on")
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
