// Package codec encrypts what Temporal keeps: arguments and results, details of failures, summaries, headers. Temporal's
// database then holds names and accounts under a key that Temporal does not have.
package codec

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Metadata of an encrypted payload: its encoding, and in clear the key that opens it.
const (
	Encoding = "binary/encrypted"
	keyField = "encryption-key-id"
)

// zlibAbove is the size of a payload, in octets, above which it is compressed if that makes it smaller. Below it the
// writer of a zlib stream costs more than it saves.
const zlibAbove = 1024

// zlib is the SDK's: a payload in it has the encoding zlibEncoding.
var zlib = converter.NewZlibCodec(converter.ZlibCodecOptions{})

const zlibEncoding = "binary/zlib"

// Codec encrypts with its first key and decrypts with all; made by Parse. The zero Codec has no key: it leaves payloads
// as they are and refuses encrypted ones.
type Codec struct {
	first  string // writes; empty: what is written stays in clear
	keys   map[string]cipher.AEAD
	naming []byte // makes update IDs; derived from the first key
}

// Writes tells whether what is written is encrypted.
func (c *Codec) Writes() bool { return c.first != "" }

// Encode encrypts each payload, metadata included.
func (c *Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	if !c.Writes() {
		return payloads, nil
	}
	return each(payloads, c.seal)
}

// Decode decrypts what Encode encrypted, under whichever key, and leaves everything else as it is: histories from before
// are read like new ones. A key that is missing and a payload that was changed are errors.
func (c *Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	return each(payloads, c.open)
}

func (c *Codec) seal(p *commonpb.Payload) (*commonpb.Payload, error) {
	if proto.Size(p) > zlibAbove {
		packed, err := zlib.Encode([]*commonpb.Payload{p})
		if err != nil {
			return nil, err
		}
		p = packed[0]
	}
	text, err := proto.Marshal(p)
	if err != nil {
		return nil, err
	}
	return &commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(Encoding), keyField: []byte(c.first)},
		Data:     c.keys[c.first].Seal(nil, nil, text, bound(c.first)),
	}, nil
}

func (c *Codec) open(p *commonpb.Payload) (*commonpb.Payload, error) {
	if string(p.GetMetadata()[converter.MetadataEncoding]) != Encoding {
		return p, nil
	}
	id := string(p.GetMetadata()[keyField])
	key := c.keys[id]
	if key == nil {
		return nil, fmt.Errorf("a payload is encrypted with the key %q, which is not among PAYLOAD_KEYS; add it behind the first", id)
	}
	text, err := key.Open(nil, nil, p.GetData(), bound(id))
	if err != nil {
		return nil, fmt.Errorf("a payload that names the key %q cannot be opened by it: PAYLOAD_KEYS has another key of that name, or the payload was changed", id)
	}
	var opened commonpb.Payload
	if err := proto.Unmarshal(text, &opened); err != nil {
		return nil, fmt.Errorf("read a payload: %w", err)
	}
	if string(opened.GetMetadata()[converter.MetadataEncoding]) != zlibEncoding {
		return &opened, nil
	}
	unpacked, err := zlib.Decode([]*commonpb.Payload{&opened})
	if err != nil {
		return nil, fmt.Errorf("unpack a payload: %w", err)
	}
	return unpacked[0], nil
}

// bound is what a payload is sealed together with: it opens under the name of its own key only.
func bound(id string) []byte { return []byte(Encoding + "\x00" + id) }

func each(payloads []*commonpb.Payload, do func(*commonpb.Payload) (*commonpb.Payload, error)) ([]*commonpb.Payload, error) {
	done := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		var err error
		if done[i], err = do(p); err != nil {
			return payloads, err
		}
	}
	return done, nil
}

// Apply has a client, and every worker on it, encrypt and decrypt whatever payload goes over its connection; search
// attributes are not touched, since Temporal searches them. Update IDs, which are no payloads, become keyed hashes.
//
// It is done on the connection and not by a data converter, because a converter that lacks a key fails the case whose
// input it cannot read. Here the worker does not get the task, says so, and the case waits until the key is there.
func (c *Codec) Apply(o *client.Options) error {
	apart := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
		if message, ok := req.(proto.Message); ok {
			req = proto.Clone(message) // what follows writes into it, and the SDK keeps it, to send it again among others
		}
		return invoke(ctx, method, req, reply, cc, options...)
	}
	chain := []grpc.UnaryClientInterceptor{apart}
	if c.Writes() {
		// What is encrypted does not get smaller, and packing it takes both ends more CPU than they have other work with a message.
		o.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
		// Messages and stack traces are no payloads unless they are made to be. The SDK's failure converter does that too
		// early: a local activity's failure is decoded again before its marker is sent.
		failures, err := converter.NewFailureGRPCClientInterceptor(converter.NewFailureGRPCClientInterceptorOptions{EncodeCommonAttributes: true})
		if err != nil {
			return err
		}
		chain = append(chain, failures)
		o.Interceptors = append(o.Interceptors, &naming{key: c.naming})
	}
	payloads, err := converter.NewPayloadCodecGRPCClientInterceptor(converter.PayloadCodecGRPCClientInterceptorOptions{Codecs: []converter.PayloadCodec{onWire{c}}})
	if err != nil {
		return err
	}
	o.ConnectionOptions.DialOptions = append(o.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(append(chain, payloads)...))
	return nil
}

// onWire says that an answer cannot be read in a code that the SDK does not send requests again for: it would for a minute,
// and nothing would come of it.
type onWire struct{ *Codec }

func (w onWire) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	opened, err := w.Codec.Decode(payloads)
	if err != nil {
		return opened, status.Error(codes.DataLoss, err.Error())
	}
	return opened, nil
}

// Reveal decrypts a message that did not come through a client, in place: a history from a file.
func (c *Codec) Reveal(ctx context.Context, message proto.Message) error {
	return proxy.VisitPayloads(ctx, message, proxy.VisitPayloadsOptions{
		SkipSearchAttributes: true,
		Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
			return c.Decode(payloads)
		},
	})
}

var errSpelling = errors.New("write keys like ID:BASE64,ID:BASE64, the one that encrypts first; `starter codec key` makes one")
