// Package browser holds the tests that use the web UI as a person does: they start the real binary, or a program of
// their own, on a free port, and drive headless Chromium against it. What a person looks for is found by what a screen
// reader would say, so a button without a name is one that the tests cannot press.
//
// A tab fails its test when the console reports an error, when the Content-Security-Policy blocks something, when a
// request fails or is answered with an error that the test did not announce, and when a request goes anywhere but to
// the server. What the tab showed is then kept as a picture; -artifacts says where.
//
//	go test ./cmd/stepwell/browser                          # needs chromium and a font
//	go test ./cmd/stepwell/browser -screenshots DIR         # also keeps a picture of every page
//
// # Files of others
//
// testdata/axe-core-4.14.1.min.js is axe.min.js of the npm package axe-core 4.14.1, unchanged, under the Mozilla Public
// License 2.0, which lies beside it. It is used by the tests alone and is in no binary. The integrity of the package is
// sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==.
package browser
