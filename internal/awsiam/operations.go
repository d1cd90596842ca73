package awsiam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// operation is a bound method of IAM's client.
type operation[In, Out any] func(context.Context, *In, ...func(*iam.Options)) (*Out, error)

// simulateOperation is the operation that the SDK's paginator calls.
type simulateOperation operation[iam.SimulatePrincipalPolicyInput, iam.SimulatePrincipalPolicyOutput]

// SimulatePrincipalPolicy implements [iam.SimulatePrincipalPolicyAPIClient].
func (o simulateOperation) SimulatePrincipalPolicy(
	ctx context.Context, input *iam.SimulatePrincipalPolicyInput, options ...func(*iam.Options),
) (*iam.SimulatePrincipalPolicyOutput, error) {
	return o(ctx, input, options...)
}

// operations are the methods of IAM's client that are in use. The client itself is not stored. The linker keeps every exported
// method of a type that is reachable from an interface, and each of the client's 177 methods needs its encoders and decoders.
type operations struct {
	CreateAccessKey      operation[iam.CreateAccessKeyInput, iam.CreateAccessKeyOutput]
	DeleteAccessKey      operation[iam.DeleteAccessKeyInput, iam.DeleteAccessKeyOutput]
	GetAccessKeyLastUsed operation[iam.GetAccessKeyLastUsedInput, iam.GetAccessKeyLastUsedOutput]
	GetUser              operation[iam.GetUserInput, iam.GetUserOutput]
	ListAccessKeys       operation[iam.ListAccessKeysInput, iam.ListAccessKeysOutput]
	ListAccountAliases   operation[iam.ListAccountAliasesInput, iam.ListAccountAliasesOutput]
	Simulate             simulateOperation
	TagUser              operation[iam.TagUserInput, iam.TagUserOutput]
	UntagUser            operation[iam.UntagUserInput, iam.UntagUserOutput]
	UpdateAccessKey      operation[iam.UpdateAccessKeyInput, iam.UpdateAccessKeyOutput]
}

func operationsOf(client *iam.Client) operations {
	return operations{
		CreateAccessKey:      client.CreateAccessKey,
		DeleteAccessKey:      client.DeleteAccessKey,
		GetAccessKeyLastUsed: client.GetAccessKeyLastUsed,
		GetUser:              client.GetUser,
		ListAccessKeys:       client.ListAccessKeys,
		ListAccountAliases:   client.ListAccountAliases,
		Simulate:             client.SimulatePrincipalPolicy,
		TagUser:              client.TagUser,
		UntagUser:            client.UntagUser,
		UpdateAccessKey:      client.UpdateAccessKey,
	}
}
