package experiment

import "syscall"

// attributes keep the server apart from the keyboard, whose Ctrl-C is for the
// experiment, and end it when the experiment dies without having stopped it.
// The kernel means the death of the thread that started it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
