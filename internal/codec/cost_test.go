package codec

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/proto"
)

// What an encrypted payload costs more than a clear one; docs/encryption.md tells it.
func TestGivenAPayload_WhenItIsEncrypted_ThenItIsNotMuchLonger(t *testing.T) {
	c := parsed(t, key(t, "local"))
	p := &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(strings.Repeat("x", 280))}
	sealed := one(t, c.Encode, p)
	require.LessOrEqual(t, proto.Size(sealed)-proto.Size(p), 95)
	require.LessOrEqual(t, proto.Size(sealed), 400, "a summary of 280 octets is within Temporal's limit")
}

func BenchmarkEncodeAndDecode(b *testing.B) {
	c := parsed(b, key(b, "local"))
	p := []*commonpb.Payload{{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(strings.Repeat("x", 500))}}
	for b.Loop() {
		sealed, err := c.Encode(p)
		require.NoError(b, err)
		_, err = c.Decode(sealed)
		require.NoError(b, err)
	}
}
