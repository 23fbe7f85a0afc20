// Package deploy holds what the platforms read about the stepwell image, and the tests that hold it to their
// rules and to the program: cloudrun.yaml here, the Dockerfile and fly.toml at the top of the repository.
//
// It has no code of its own.
package deploy
