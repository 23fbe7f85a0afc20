// Package term writes for a person at a terminal: tables that fit, colours,
// lines drawn anew in their place, progress. Whatever else reads gets the same
// words without ornament, whole and in a stable form.
//
// What is shown comes from users of users: names, labels, errors. [Clean] keeps
// it from commanding the terminal, and every writer here applies it.
//
// Nothing here is stored, and a crash leaves at most a terminal in its second
// screen, which the command "reset" mends.
package term
