package codec

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
)

// naming turns update IDs, which Temporal keeps in clear, into keyed hashes. An ID is made of a request key and of what was applied for, so
// that the same again is one update; a plain hash of it would let whoever reads Temporal test guesses of a name or an account.
//
// Another first key gives another ID: a request that is repeated across a rotation is one more update, and finds under its
// request key what the first one did.
type naming struct {
	interceptor.ClientInterceptorBase
	key []byte
}

func (n *naming) InterceptClient(next interceptor.ClientOutboundInterceptor) interceptor.ClientOutboundInterceptor {
	return &named{interceptor.ClientOutboundInterceptorBase{Next: next}, n.key}
}

type named struct {
	interceptor.ClientOutboundInterceptorBase
	key []byte
}

func (n *named) UpdateWorkflow(ctx context.Context, in *interceptor.ClientUpdateWorkflowInput) (client.WorkflowUpdateHandle, error) {
	changed := *in
	changed.UpdateID = n.name(in.UpdateID)
	return n.Next.UpdateWorkflow(ctx, &changed)
}

func (n *named) UpdateWithStartWorkflow(ctx context.Context, in *interceptor.ClientUpdateWithStartWorkflowInput) (client.WorkflowUpdateHandle, error) {
	changed, options := *in, *in.UpdateOptions
	options.UpdateID = n.name(options.UpdateID)
	changed.UpdateOptions = &options
	return n.Next.UpdateWithStartWorkflow(ctx, &changed)
}

// name leaves an update without an ID to the SDK, which draws one.
func (n *named) name(id string) string {
	if id == "" {
		return ""
	}
	mac := hmac.New(sha256.New, n.key)
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
