// Package check holds the rules of this house that no other tool knows, and the test that holds the repository to
// them: which package may import which, what is documented, how long a file may be, what a name may say.
//
// A rule is a function from the tree of files, or from the list of packages, to what it found. Each message names
// the replacement; each rule is shown to fail on a bad example in this package's tests.
package check
