//go:build !linux

package experiment

import "syscall"

func attributes() *syscall.SysProcAttr { return nil }
