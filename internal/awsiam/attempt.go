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

// clockTolerance is the difference of the two clocks that is ignored. The Date header has whole seconds, and the answer needed
// some time to arrive.
const clockTolerance = 5 * time.Second

// attempts is a value of an action's context. It counts the attempts, and records whether one of them may have taken effect
// although its answer does not show that.
type attempts struct {
	count   int
	unclear bool
}

type attemptsKey struct{}

// observeAttempt is a middleware of the SDK, directly above the transport. It logs each attempt and measures AWS's clock.
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
			// The SDK does not read the answers of actions that return nothing, so it would take a proxy's page for a success.
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
	case failed && ctx.Err() == nil: // A canceled request did not fail itself. Perhaps another one did.
		log = tflog.SubsystemWarn
	case repeated: // The status does not show that AWS throttles. Only the body of the answer does.
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

// do calls an action of IAM. Its errors are of type [*Error].
func do[T any](ctx context.Context, action string, call func(context.Context) (T, error)) (T, error) {
	var attempts attempts
	out, err := call(context.WithValue(ctx, attemptsKey{}, &attempts))
	if err != nil {
		// If the action only reads, an earlier attempt without an answer cannot have changed anything.
		reads := strings.HasPrefix(action, "Get") || strings.HasPrefix(action, "List") || action == simulatePrincipalPolicy
		err = newError(ctx, "iam:"+action, err, attempts.unclear && !reads)
	}
	return out, err
}
