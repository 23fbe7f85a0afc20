package uuid

type UUID [16]byte

func New() UUID                        { return UUID{} }
func NewString() string                { return "" }
func NewV7() (UUID, error)             { return UUID{}, nil }
func NewSHA1(s UUID, d []byte) UUID    { return UUID{} }
func Must(u UUID, err error) UUID      { return u }
func Parse(s string) (u UUID, e error) { return }
