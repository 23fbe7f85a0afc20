// Package access stands before the listeners and decides who may do what: by
// bearer tokens, by the session of a browser that has logged in, or by a
// function of the user's own.
//
// There are two roles. An admin may do everything; a viewer may read what is
// below /v1/ and /ui/. Without tokens everybody is an admin, and with
// [Config.Local] only requests to this machine's own names are answered.
//
//	http.ListenAndServe(addr, access.New(handler, access.Config{
//		Tokens: []access.Token{access.NewToken(access.Admin, secret)},
//	}))
//
// Of a secret only the SHA-256 is held, in memory and in files. That is enough
// where the secret is 128 random bits, as ours are: there is no dictionary to
// try, and a slow hash would only cost every request. Tokens that may be
// guessed are never written down, and guessing them is slowed down:
// [Token.Weak] is true of all but those made here and those that look as
// openssl rand -hex 16 makes them.
//
// Sessions live in memory and end with the process.
package access
