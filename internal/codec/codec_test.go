package codec

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

func key(t testing.TB, id string) string {
	t.Helper()
	text, err := NewKey(id)
	require.NoError(t, err)
	return text
}

func parsed(t testing.TB, keys ...string) *Codec {
	t.Helper()
	c, err := Parse(strings.Join(keys, ","))
	require.NoError(t, err)
	return c
}

func one(t rapid.TB, do func([]*commonpb.Payload) ([]*commonpb.Payload, error), p *commonpb.Payload) *commonpb.Payload {
	t.Helper()
	out, err := do([]*commonpb.Payload{p})
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

func clone(p *commonpb.Payload) *commonpb.Payload { return proto.CloneOf(p) }

// anyPayload is mostly JSON as the SDK writes it, short or long, and sometimes anything at all.
func anyPayload() *rapid.Generator[*commonpb.Payload] {
	return rapid.Custom(func(t *rapid.T) *commonpb.Payload {
		p := &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte(rapid.SampledFrom([]string{"json/plain", "binary/null", "binary/zlib-not", Encoding}).Draw(t, "encoding"))}}
		for name, value := range rapid.MapOfN(rapid.StringMatching(`[a-z]{1,9}`), rapid.SliceOfN(rapid.Byte(), 0, 20), 0, 2).Draw(t, "metadata") {
			p.Metadata[name] = value
		}
		p.Data = bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "data"), rapid.IntRange(0, 20).Draw(t, "times"))
		return p
	})
}

func TestGivenAnyPayload_WhenItIsEncrypted_ThenItComesBackWholeAndNothingOfItIsSeen(t *testing.T) {
	c := parsed(t, key(t, "2026"))
	rapid.Check(t, func(t *rapid.T) {
		p := anyPayload().Draw(t, "payload")
		before := clone(p)
		sealed := one(t, c.Encode, p)
		require.True(t, proto.Equal(before, p), "what is handed in stays as it is")
		require.Equal(t, map[string][]byte{"encoding": []byte(Encoding), "encryption-key-id": []byte("2026")}, sealed.Metadata)
		if len(p.Data) >= 8 {
			require.NotContains(t, string(sealed.Data), string(p.Data[:8]))
		}
		require.True(t, proto.Equal(p, one(t, c.Decode, sealed)))
		require.NotEqual(t, sealed.Data, one(t, c.Encode, p).Data, "the same twice does not look the same")
	})
}

func TestGivenAnEncryptedPayload_WhenOneBitIsFlipped_ThenItIsRefused(t *testing.T) {
	c := parsed(t, key(t, "a"))
	rapid.Check(t, func(t *rapid.T) {
		sealed := one(t, c.Encode, anyPayload().Draw(t, "payload"))
		i := rapid.IntRange(0, len(sealed.Data)*8-1).Draw(t, "bit")
		sealed.Data[i/8] ^= 1 << (i % 8)
		_, err := c.Decode([]*commonpb.Payload{sealed})
		require.ErrorContains(t, err, `the key "a"`)
	})
}

func TestGivenKeysInAnyOrder_WhenPayloadsOfAllOfThemAreRead_ThenEachOpensAndTheFirstWrites(t *testing.T) {
	keys := []string{key(t, "2024"), key(t, "2025"), key(t, "2026")}
	rapid.Check(t, func(t *rapid.T) {
		p := anyPayload().Draw(t, "payload")
		order := rapid.Permutation(keys).Draw(t, "order")
		c, err := Parse(strings.Join(order, ","))
		require.NoError(t, err)
		for _, k := range keys {
			alone, err := Parse(k)
			require.NoError(t, err)
			require.True(t, proto.Equal(p, one(t, c.Decode, one(t, alone.Encode, p))))
		}
		first, _, _ := strings.Cut(order[0], ":")
		require.Equal(t, first, string(one(t, c.Encode, p).Metadata[keyField]))
	})
}

func TestGivenAPayloadUnderAKeyThatIsNotThere_WhenItIsRead_ThenTheErrorNamesTheKeyAndTheVariable(t *testing.T) {
	p := &commonpb.Payload{Data: []byte("Zhang San")}
	sealed := one(t, parsed(t, key(t, "lost")).Encode, p)
	for _, c := range []*Codec{{}, parsed(t, Off), parsed(t, key(t, "other"))} {
		_, err := c.Decode([]*commonpb.Payload{sealed})
		require.ErrorContains(t, err, `the key "lost", which is not among PAYLOAD_KEYS`)
	}
	_, err := parsed(t, key(t, "lost")).Decode([]*commonpb.Payload{sealed})
	require.ErrorContains(t, err, `another key of that name`)
}

func TestGivenAPayloadWhoseKeyIsRenamed_WhenItIsRead_ThenItIsRefused(t *testing.T) {
	k := key(t, "a")
	c := parsed(t, k, "b"+strings.TrimPrefix(k, "a")) // the same key under two names
	sealed := one(t, c.Encode, &commonpb.Payload{Data: []byte("x")})
	sealed.Metadata[keyField] = []byte("b")
	_, err := c.Decode([]*commonpb.Payload{sealed})
	require.ErrorContains(t, err, `"b"`)
}

func TestGivenALongPayload_WhenItIsEncrypted_ThenItIsCompressedBefore(t *testing.T) {
	c := parsed(t, key(t, "a"))
	size := func(text string) int { return len(one(t, c.Encode, &commonpb.Payload{Data: []byte(text)}).Data) }
	require.Greater(t, size(strings.Repeat("a", zlibAbove-10)), zlibAbove-10, "a short one is not worth it")
	require.Less(t, size(strings.Repeat("a", 100*zlibAbove)), zlibAbove)
}

func TestGivenOffInFront_WhenPayloadsAreWrittenAndRead_ThenTheyStayInClearAndEncryptedOnesOpen(t *testing.T) {
	k := key(t, "a")
	c := parsed(t, Off, k)
	p := &commonpb.Payload{Data: []byte("x")}
	require.True(t, proto.Equal(p, one(t, c.Encode, p)))
	require.True(t, proto.Equal(p, one(t, c.Decode, one(t, parsed(t, k).Encode, p))))
	require.False(t, c.Writes())
}

func TestGivenAnEncryptedHistory_WhenItIsRevealed_ThenItsPayloadsAreInClearAndSearchAttributesAsTheyWere(t *testing.T) {
	c := parsed(t, key(t, "a"))
	found := &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain"), "type": []byte("Keyword")}, Data: []byte(`"P-1"`)}
	input := &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"张三"`)}
	history := func(p *commonpb.Payload) *historypb.History {
		return &historypb.History{Events: []*historypb.HistoryEvent{{Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
			WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{
				Input:            &commonpb.Payloads{Payloads: []*commonpb.Payload{p}},
				SearchAttributes: &commonpb.SearchAttributes{IndexedFields: map[string]*commonpb.Payload{"CasePartner": found}},
			},
		}}}}
	}
	sealed := history(one(t, c.Encode, input))
	require.NoError(t, c.Reveal(context.Background(), sealed))
	require.True(t, proto.Equal(history(input), sealed))
}

func TestGivenAListOfKeysThatIsNotUnderstood_WhenItIsRead_ThenTheErrorSaysWhatToDoAndShowsNoKey(t *testing.T) {
	good := key(t, "a")
	_, secret, _ := strings.Cut(good, ":")
	for name, bad := range map[string]string{
		"nothing":      " ",
		"no name":      secret,
		"a short key":  "a:" + base64.StdEncoding.EncodeToString(make([]byte, 16)),
		"no base64":    "a:" + secret[:40] + "!!",
		"twice":        good + "," + good,
		"off is no ID": good + ",off",
		"a bad name":   "a b:" + secret,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(bad)
			require.Error(t, err)
			require.NotContains(t, err.Error(), secret[:20])
		})
	}
	c, err := Parse(good + "\n" + key(t, "b") + "\n") // as a file has them
	require.NoError(t, err)
	require.Equal(t, "a", c.first)
	require.Len(t, c.keys, 2)
	_, err = NewKey("a,b")
	require.Error(t, err)
}
