package awsiam

import (
	"context"
	"net/http"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/hashicorp/terraform-plugin-log/tflog"
)

// clockTolerance is what the two clocks may differ by before it means anything: the Date header has whole seconds, and
// the answer was under way for a while.
const clockTolerance = 5 * time.Second

// attempts travels with the context of an action. It counts the attempts, and knows whether one of them may have taken
// effect without an answer that says so.
type attempts struct {
	count   int
	unclear bool
}

type attemptsKey struct{}

// observeAttempt is a middleware of the SDK, next to the transport.
func (c *Client) observeAttempt(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	start := time.Now()
	out, metadata, err := next.HandleDeserialize(ctx, in)
	fields := map[string]any{
		"action":  strings.ToLower(awsmiddleware.GetServiceID(ctx)) + ":" + awsmiddleware.GetOperationName(ctx),
		"elapsed": time.Since(start).String(),
	}
	definite, failed, repeated := false, err != nil, false
	if err != nil {
		fields["error"] = err.Error()
	}
	if response, ok := out.RawResponse.(*smithyhttp.Response); ok && err == nil {
		fields["status"], fields["request_id"] = response.StatusCode, response.Header.Get("X-Amzn-Requestid")
		page := strings.HasPrefix(response.Header.Get("Content-Type"), "text/html")
		if !page {
			c.measureClock(response.Header.Get("Date"))
		}
		if response.StatusCode == http.StatusOK && page {
			// The SDK does not look into answers to actions that return nothing: for it, a proxy's page is a success.
			response.StatusCode = http.StatusBadGateway
		}
		definite = response.StatusCode >= 400 && response.StatusCode < 500
		failed = response.StatusCode >= 500
	}
	if attempts, ok := ctx.Value(attemptsKey{}).(*attempts); ok {
		attempts.count++
		attempts.unclear = attempts.unclear || !definite
		fields["attempt"], repeated = attempts.count, attempts.count > 1
	}
	log := tflog.SubsystemDebug
	switch {
	case failed && ctx.Err() == nil: // What was given up, perhaps for the failure of another request, did not fail itself.
		log = tflog.SubsystemWarn
	case repeated: // That AWS was asked too often is only in the body of its answer.
		log = tflog.SubsystemInfo
	}
	log(ctx, LogSubsystem, "Called the AWS API", fields)
	return out, metadata, err
}

// measureClock compares AWS's clock with this machine's.
func (c *Client) measureClock(date string) {
	sent, err := http.ParseTime(date)
	if err != nil {
		return
	}
	offset := sent.Sub(c.now())
	if offset.Abs() < clockTolerance {
		offset = 0
	}
	c.clockOffset.Store(int64(offset))
}

// ClockOffset implements [rotation.IAM].
func (c *Client) ClockOffset() time.Duration { return time.Duration(c.clockOffset.Load()) }

// do carries out an action of IAM, and tells errors as [Error].
func do[T any](ctx context.Context, action string, call func(context.Context) (T, error)) (T, error) {
	var attempts attempts
	out, err := call(context.WithValue(ctx, attemptsKey{}, &attempts))
	if err != nil {
		// An earlier attempt that nobody answered cannot have changed anything if the action only reads.
		reads := strings.HasPrefix(action, "Get") || strings.HasPrefix(action, "List") || action == simulatePrincipalPolicy
		err = newError(ctx, "iam:"+action, err, attempts.unclear && !reads)
	}
	return out, err
}
