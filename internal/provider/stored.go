package provider

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// setChanged stores a model in a plan or a state that has the stored one. An equal model is not stored again, because that
// takes a twentieth of the provider's time in a large plan.
func setChanged[T any](ctx context.Context, target interface {
	Set(ctx context.Context, value any) diag.Diagnostics
}, stored, model *T,
) diag.Diagnostics {
	if reflect.DeepEqual(stored, model) {
		return nil
	}
	return target.Set(ctx, model)
}

// getPrivate decodes a value of the private state, if it exists.
func getPrivate(ctx context.Context, private interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}, key string, target any, diags *diag.Diagnostics,
) {
	value, getDiags := private.GetKey(ctx, key)
	diags.Append(getDiags...)
	if len(value) == 0 {
		return
	}
	if err := json.Unmarshal(value, target); err != nil {
		addError(diags, stateUnreadable(key, err))
	}
}

// setPrivate encodes a value into the private state.
func setPrivate(ctx context.Context, private interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}, key string, value any, diags *diag.Diagnostics,
) {
	encoded, err := json.Marshal(value)
	if err != nil {
		addError(diags, err)
		return
	}
	diags.Append(private.SetKey(ctx, key, encoded)...)
}
