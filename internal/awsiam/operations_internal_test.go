package awsiam

import (
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// TestClientLeadsToNoClientOfIAM follows the types of fields, as the linker does, to check that IAM's client is not reachable.
func TestClientLeadsToNoClientOfIAM(t *testing.T) {
	t.Parallel()
	seen := map[reflect.Type]bool{}
	var follow func(reflect.Type)
	follow = func(next reflect.Type) {
		if seen[next] {
			return
		}
		seen[next] = true
		switch next.Kind() {
		case reflect.Map:
			follow(next.Key())
			follow(next.Elem())
		case reflect.Array, reflect.Chan, reflect.Pointer, reflect.Slice:
			follow(next.Elem())
		case reflect.Struct:
			for field := range next.Fields() {
				follow(field.Type)
			}
		case reflect.Func:
			for in := range next.Ins() {
				follow(in)
			}
			for out := range next.Outs() {
				follow(out)
			}
		default: // A type that contains no other type.
		}
	}
	follow(reflect.TypeFor[Client]())
	if !seen[reflect.TypeFor[iam.ListAccessKeysInput]()] {
		t.Error("the types of the operations are not found, so those of a client would not be either")
	}
	if seen[reflect.TypeFor[iam.Client]()] {
		t.Error("the provider's client leads to IAM's, so that all methods of it are linked")
	}
}
