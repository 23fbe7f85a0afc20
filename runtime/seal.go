package runtime

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
)

// A sealed value:
//
//	magic (4) | length of the key's id (1) | id | check of the key (4) | nonce (24) | ciphertext and tag
//
// All before the nonce is authenticated with the value. JSON cannot begin with
// a zero byte, so the magic tells what is sealed from what is not.
const (
	magic     = "\x00sw1"
	keySize   = 32
	maxKeyID  = 32
	checkSize = 4
	nonceSize = 24
	tagSize   = 16
)

// sealKey is a key ready for use.
type sealKey struct {
	id     string
	header []byte // of what it seals
	block  cipher.Block
	mask   [aes.BlockSize]byte // XAES's K1
}

func newSealKey(k Key) (*sealKey, error) {
	block, err := aes.NewCipher(k.Secret)
	if err != nil {
		return nil, err
	}
	s := &sealKey{id: k.ID, block: block}
	s.header = slices.Concat([]byte(magic), []byte{byte(len(k.ID))}, []byte(k.ID), keyCheck(k))
	block.Encrypt(s.mask[:], s.mask[:])
	var msb byte
	for i := len(s.mask) - 1; i >= 0; i-- {
		msb, s.mask[i] = s.mask[i]>>7, s.mask[i]<<1|msb
	}
	s.mask[len(s.mask)-1] ^= byte(subtle.ConstantTimeSelect(int(msb), 0b1000_0111, 0))
	return s, nil
}

// keyCheck tells two keys under one id apart, so that a wrong key is not taken
// for damage. It says nothing about the key.
func keyCheck(k Key) []byte {
	mac := hmac.New(sha256.New, k.Secret)
	mac.Write([]byte("stepwell key check " + k.ID))
	return mac.Sum(nil)[:checkSize]
}

// aead is AES-256-GCM under the key for one nonce, by C2SP's XAES-256-GCM.
func (k *sealKey) aead(nonce []byte) (cipher.AEAD, error) {
	derived := make([]byte, 0, keySize)
	for i := byte(1); i <= 2; i++ {
		m := append([]byte{0, i, 'X', 0}, nonce[:12]...)
		subtle.XORBytes(m, m, k.mask[:])
		k.block.Encrypt(m, m)
		derived = append(derived, m...)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Seal implements [Sealer].
func (c *EncryptedCodec) Seal(data []byte) ([]byte, error) { return c.first.seal(data) }

func (k *sealKey) seal(data []byte) ([]byte, error) {
	out := make([]byte, 0, len(k.header)+nonceSize+len(data)+tagSize)
	out = append(out, k.header...)
	out = out[:len(out)+nonceSize]
	nonce := out[len(k.header):]
	rand.Read(nonce) // never fails
	gcm, err := k.aead(nonce)
	if err != nil {
		return nil, err
	}
	return gcm.Seal(out, nonce[12:], data, k.header), nil
}

// isSealed tells a sealed value from a plain one.
func isSealed(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }

// sealedBy returns the id of the key under which a value is sealed; false for a
// plain one.
func sealedBy(data []byte) (id string, ok bool) {
	if !isSealed(data) {
		return "", false
	}
	rest := data[len(magic):]
	if len(rest) > 0 && len(rest) > int(rest[0]) {
		id = string(rest[1 : 1+rest[0]])
	}
	return id, true
}

// unkeyed is an error for a sealed value, where there are no keys.
func unkeyed(data []byte) error {
	if id, ok := sealedBy(data); ok {
		return fmt.Errorf("%w: it is sealed with key %q, and no keys are given", ErrSealed, id)
	}
	return nil
}

// errOtherKey: a value was sealed with another key of the same id.
var errOtherKey = fmt.Errorf("%w: it is sealed with another key", ErrSealed)

// Open implements [Sealer].
func (c *EncryptedCodec) Open(data []byte) ([]byte, error) {
	if !isSealed(data) {
		return data, nil
	}
	rest := data[len(magic):]
	if len(rest) == 0 || len(rest) < 1+int(rest[0])+checkSize+nonceSize+tagSize {
		return nil, fmt.Errorf("%w: it is cut short, to %d bytes", ErrSealed, len(data))
	}
	id := string(rest[1 : 1+rest[0]])
	k := c.keys[id]
	if k == nil {
		return nil, fmt.Errorf("%w: it is sealed with key %q, which is not among those given: %s", ErrSealed, id, listed(c.keys))
	}
	header := data[:len(k.header)]
	if !bytes.Equal(header, k.header) {
		return nil, fmt.Errorf("%w of the id %q than the one given", errOtherKey, id)
	}
	nonce := data[len(header) : len(header)+nonceSize]
	gcm, err := k.aead(nonce)
	if err != nil {
		return nil, err
	}
	out, err := gcm.Open(nil, nonce[12:], data[len(header)+nonceSize:], header)
	if err != nil {
		return nil, fmt.Errorf("%w: it is damaged: it was sealed with key %q, and changed since", ErrSealed, id)
	}
	if out == nil {
		out = []byte{}
	}
	return out, nil
}
