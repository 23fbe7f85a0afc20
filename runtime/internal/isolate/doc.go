// Package isolate keeps CPU-bound steps from starving the rest of the process.
//
// The Go scheduler gives each runnable goroutine its turn of 10 ms: with 100 CPU-bound steps on 2 cores, an HTTP
// handler waits a second for its turn, health probes time out and the platform kills a healthy container. The
// kernel's scheduler knows better, if it is told which thread may wait. So CPU-bound executions run on threads of
// their own at the lowest priority, and each such thread brings its own P (GOMAXPROCS is raised by one for it), so
// that it never holds one of those the rest of the process runs on.
//
// # Which steps
//
// What the user marked goes to the compute threads: as many as cores, first come, first served. All other steps
// have a class, by key:
//
//   - unknown: the first executions run on watched threads, at most as many as cores at a time; the others of that
//     key wait for the verdict, some 20 ms on a process that is not starved.
//   - waiting: those first ones wait for something, and what they do then is not known. A few more run on lowered
//     threads, the others wait until one has ended, or has waited for half a second.
//   - light: executions run on the caller's goroutine, for less than 100 ns of overhead. Now and then one runs on a
//     watched thread, so that a step that turns CPU-bound is found. How many run at a time is limited while a key
//     was only ever seen to be quick, and of keys that compute for a part of their time, to what keeps the cores
//     busy; the others wait in line.
//   - compute: executions go to the compute threads, until several in a row did mostly wait or were short.
//
// A watched thread is one goroutine locked to one thread, whose CPU time is read from outside. An execution found
// to be CPU-bound there is lowered in place, and its thread ends with it: priority cannot be raised again without
// privileges. Compute threads that wait, for a reply or a disk, do not count: others take their place, up to four
// times the cores.
//
// # What it cannot do
//
//   - Goroutines that a step starts itself run where Go runs them: at normal priority, unwatched.
//   - An execution that began on the caller's goroutine stays there. Light keys that run many at a time and all
//     turn CPU-bound in the same moment are isolated only from the next executions on.
//   - A lock that a lowered thread holds is held for as long as the kernel lets that thread wait, and a stop of the
//     world, by the garbage collector above all, waits for each lowered thread to run up to a safe point. Alone on
//     its cores a process does not notice; next to busy processes of the same cgroup it does. That is why there are
//     few such threads.
//   - Priority decides who gets a core, not whether the cgroup's CPU quota is spent: under a quota below the number
//     of cores in use the whole process is throttled, listener and all.
//   - Watching and priorities are for Linux. Elsewhere only marked steps are isolated, on threads of normal priority.
//
// # GOMAXPROCS
//
// Setting GOMAXPROCS turns Go's automatic adaption to the cgroup's CPU limit off. So it is raised only while
// lowered threads exist, they end after ten seconds without work, and then the automatic is turned on again, unless
// the user had set a value: then that is put back.
//
// Nothing here is durable or survives a crash: classes are learned anew.
package isolate
