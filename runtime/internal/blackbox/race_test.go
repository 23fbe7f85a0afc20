//go:build race

package blackbox

const racing = true
