package runtime

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// ErrSealed: a stored value cannot be opened, because its key is not among
// those given, or it is damaged. A run that needs it is parked as stuck, and
// goes on once the key is there and it was resumed.
var ErrSealed = errors.New("stored value cannot be opened")

// Sealer is a [Codec] that hides what it stores. A runtime whose codec is one
// seals the texts of errors too, and keeps them out of its log.
// Both methods must be safe for concurrent use.
type Sealer interface {
	Codec
	// Seal returns data in a form that tells nothing of it but its size.
	Seal(data []byte) ([]byte, error)
	// Open returns what was sealed. What was not sealed comes back as it is, so
	// that values stored before stay readable. Errors: [ErrSealed].
	Open(data []byte) ([]byte, error)
}

// Key is a secret under a name.
type Key struct {
	// ID is stored in the clear with each value: 1 to 32 letters, digits or any
	// of . _ -, beginning with a letter or digit.
	ID string
	// Secret is 32 bytes, as random as can be.
	Secret []byte
}

// EncryptedCodec seals what another codec encodes with XAES-256-GCM: AES-256-GCM
// under a key derived for each value, so that random nonces do not run out.
// Safe for concurrent use.
//
// Hidden are inputs, outputs, the results of steps, and the texts and stacks of
// errors. In the clear remain what the store has to search or show by itself:
// the ids, labels and times of runs, the names of workflows, queues and steps,
// the codes of errors, recorded times and ids, and the sizes of values.
//
// A value holds the id of its key, and is bound to nothing else: who can write
// to the store could exchange two values, or put in a plain one.
type EncryptedCodec struct {
	inner Codec
	first *sealKey
	keys  map[string]*sealKey
}

// NewEncryptedCodec seals what inner (nil: [JSON]) encodes. The first key seals,
// all of them open: to change keys, put the new one first and keep the old one
// for as long as there are runs that were written under it.
func NewEncryptedCodec(inner Codec, keys ...Key) (*EncryptedCodec, error) {
	if inner == nil {
		inner = JSON{}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: an encrypting codec without keys: want one or more", ErrInvalid)
	}
	c := &EncryptedCodec{inner: inner, keys: map[string]*sealKey{}}
	for i, key := range keys {
		switch {
		case len(key.ID) > maxKeyID || !wellFormed(key.ID, maxKeyID, "._-"):
			return nil, fmt.Errorf("%w: id %.40q of key %d: want 1 to %d letters, digits or any of . _ -, beginning with a letter or digit", ErrInvalid, key.ID, i+1, maxKeyID)
		case c.keys[key.ID] != nil:
			return nil, fmt.Errorf("%w: key %q is given twice", ErrInvalid, key.ID)
		case len(key.Secret) != keySize:
			return nil, fmt.Errorf("%w: key %q has %d bytes: want %d", ErrInvalid, key.ID, len(key.Secret), keySize)
		}
		k, err := newSealKey(key)
		if err != nil {
			return nil, err
		}
		c.keys[key.ID] = k
		if i == 0 {
			c.first = k
		}
	}
	return c, nil
}

func (c *EncryptedCodec) has(id string) bool { return c.keys[id] != nil }

func (c *EncryptedCodec) sealing() string { return c.first.id }

func (c *EncryptedCodec) sealAs(id string, data []byte) ([]byte, error) { return c.keys[id].seal(data) }

// ParseKeys reads keys from a text: id:secret,id:secret, each secret 32 bytes in
// base64 (openssl rand -base64 32 makes one). Its errors do not repeat secrets.
func ParseKeys(text string) ([]Key, error) {
	var keys []Key
	for i, part := range strings.Split(text, ",") {
		id, secret, ok := strings.Cut(strings.TrimSpace(part), ":")
		if !ok {
			return nil, fmt.Errorf("%w: key %d has no colon: want id:secret, with 32 bytes in base64", ErrInvalid, i+1)
		}
		data, err := base64.StdEncoding.DecodeString(secret)
		if err != nil {
			data, err = base64.RawURLEncoding.DecodeString(secret)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: the secret of key %d is not base64: want 32 bytes in base64, as openssl rand -base64 32 makes them", ErrInvalid, i+1)
		}
		keys = append(keys, Key{id, data})
	}
	if _, err := NewEncryptedCodec(nil, keys...); err != nil {
		return nil, err
	}
	return keys, nil
}

// Encode implements [Codec].
func (c *EncryptedCodec) Encode(v any) ([]byte, error) {
	data, err := c.inner.Encode(v)
	if err != nil {
		return nil, err
	}
	return c.Seal(data)
}

// Decode implements [Codec]. Errors: [ErrSealed], and those of the inner codec.
func (c *EncryptedCodec) Decode(data []byte, v any) error {
	data, err := c.Open(data)
	if err != nil {
		return err
	}
	return c.inner.Decode(data, v)
}
