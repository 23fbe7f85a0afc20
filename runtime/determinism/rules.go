package determinism

import (
	"go/types"
	"path"
)

// rule is about names of one package. Those of methods are written Type.Method;
// a star stands for anything.
type rule struct {
	pkg     string
	names   []string
	except  []string
	why     string
	instead string
}

const (
	again   = "is done again in each replay"
	inAStep = "runtime.Step"
	differs = "gives something else in each replay"
	waits   = "waits for goroutines unknown to the engine"
)

var rules = []rule{
	{pkg: "time", names: []string{"Now", "Since", "Until"}, why: "gives another time in each replay", instead: "runtime.Now, which is recorded"},
	{pkg: "time", names: []string{"Sleep"}, why: "waits again in each replay, and keeps the run in memory", instead: "runtime.Sleep"},
	{pkg: "time", names: []string{"After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}, why: "begins anew in each replay", instead: "runtime.Sleep, in runtime.Go if others are to go on"},

	{pkg: "context", names: []string{"WithTimeout*", "WithDeadline*", "AfterFunc"}, why: "ends at another moment in each replay, and no recorded wait heeds it",
		instead: "runtime.Timeout on the step, runtime.Select with a runtime.Sleep in runtime.Go, or runtime.Deadline for the whole run"},

	{pkg: "math/rand", names: []string{"*"}, except: []string{"New", "NewSource", "NewZipf", "Rand.*", "Zipf.*", "*Source*", "Source*.*"}, why: differs, instead: inAStep},
	{pkg: "math/rand/v2", names: []string{"*"}, except: []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Rand.*", "PCG*", "ChaCha8*", "Zipf*", "Source*"}, why: differs, instead: inAStep},
	{pkg: "crypto/rand", names: []string{"*"}, why: differs, instead: "runtime.NewID for an id, runtime.Step for anything else"},
	{pkg: "hash/maphash", names: []string{"MakeSeed"}, why: differs, instead: "a hash without a seed"},
	{pkg: "github.com/google/uuid", names: []string{"New", "NewString", "NewRandom*", "NewUUID", "NewV6*", "NewV7*"}, why: differs, instead: "runtime.NewID, which is recorded"},
	{pkg: "github.com/gofrs/uuid", names: []string{"NewV1", "NewV4", "NewV6", "NewV7"}, why: differs, instead: "runtime.NewID, which is recorded"},
	{pkg: "github.com/gofrs/uuid/v5", names: []string{"NewV1", "NewV4", "NewV6", "NewV7"}, why: differs, instead: "runtime.NewID, which is recorded"},
	{pkg: "github.com/rs/xid", names: []string{"New", "NewWithTime"}, why: differs, instead: "runtime.NewID, which is recorded"},
	{pkg: "github.com/segmentio/ksuid", names: []string{"New", "NewRandom*"}, why: differs, instead: "runtime.NewID, which is recorded"},
	{pkg: "github.com/oklog/ulid/v2", names: []string{"Make", "Now", "DefaultEntropy"}, why: differs, instead: "runtime.NewID, which is recorded"},

	{pkg: "sync", names: []string{"WaitGroup.Wait", "WaitGroup.Go", "Cond.Wait"}, why: waits, instead: "runtime.Go and the future's Wait, or runtime.Map"},
	{pkg: "sync", names: []string{"Mutex.Lock", "Mutex.TryLock", "RWMutex.Lock", "RWMutex.RLock", "RWMutex.TryLock", "RWMutex.TryRLock", "Locker.Lock"},
		why: "is taken in another order in each replay", instead: "what runtime.Go and runtime.Map return instead of shared variables"},
	{pkg: "sync", names: []string{"Map.Range"}, why: "goes through the map in another order each time", instead: "sorted keys"},
	{pkg: "golang.org/x/sync/errgroup", names: []string{"Group.Go", "Group.TryGo", "Group.Wait"}, why: waits, instead: "runtime.Go and the future's Wait, or runtime.Map"},
	{pkg: "golang.org/x/sync/semaphore", names: []string{"Weighted.Acquire", "Weighted.TryAcquire"}, why: waits, instead: "runtime.Map with a limit, or a queue"},

	{pkg: "os", names: []string{"*"}, except: []string{"IsExist", "IsNotExist", "IsPermission", "IsTimeout", "IsPathSeparator", "Expand", "SameFile",
		"NewSyscallError", "FileMode.*", "PathError.*", "SyscallError.*", "LinkError.*", "Err*"}, why: again, instead: inAStep},
	{pkg: "os/exec", names: []string{"Cmd.*", "LookPath"}, except: []string{"Cmd.String", "Cmd.Environ"}, why: again, instead: inAStep},
	{pkg: "os/user", names: []string{"*"}, why: again, instead: inAStep},
	{pkg: "os/signal", names: []string{"*"}, why: again, instead: inAStep},
	{pkg: "io/ioutil", names: []string{"ReadFile", "WriteFile", "ReadDir", "TempDir", "TempFile"}, why: again, instead: inAStep},
	{pkg: "path/filepath", names: []string{"Abs", "EvalSymlinks", "Glob", "Walk", "WalkDir"}, why: again, instead: inAStep},
	{pkg: "syscall", names: []string{"*"}, except: []string{"Errno*", "Signal*", "E*", "SIG*"}, why: again, instead: inAStep},
	{pkg: "net", names: []string{"Dial*", "Listen*", "Lookup*", "Resolve*", "Interface*", "Dialer.*", "Resolver.*", "ListenConfig.*",
		"Conn.*", "*Conn.Read*", "*Conn.Write*", "Listener.*", "*Listener.Accept*"}, except: []string{"ListenConfig.SetMultipathTCP"}, why: again, instead: inAStep},
	{pkg: "net/http", names: []string{"Get", "Head", "Post", "PostForm", "ListenAndServe*", "Serve", "ServeTLS", "Client.*", "RoundTripper.*", "Transport.*", "Server.*"},
		why: again, instead: inAStep},
	{pkg: "net/smtp", names: []string{"SendMail", "Dial", "Client.*"}, why: again, instead: inAStep},
	{pkg: "net/rpc", names: []string{"Dial*", "Client.*"}, why: again, instead: inAStep},
	{pkg: "database/sql", names: []string{"Open*", "DB.*", "Conn.*", "Tx.*", "Stmt.*", "Rows.*", "Row.*"}, why: again, instead: "runtime.Step, or runtime.Tx in the store's own database"},
}

// ruleFor returns the rule about an object, and how that is called.
func ruleFor(obj types.Object) (*rule, string) {
	if obj == nil || obj.Pkg() == nil {
		return nil, ""
	}
	name := ""
	switch obj := obj.(type) {
	case *types.Func:
		name = methodName(obj)
	case *types.Var:
		// A variable of the package: os.Args, rand.Reader. Streams to print to
		// do no harm by themselves.
		if obj.Parent() != obj.Pkg().Scope() || obj.Name() == "Stdout" || obj.Name() == "Stderr" {
			return nil, ""
		}
		name = obj.Name()
	default:
		return nil, ""
	}
	for i := range rules {
		r := &rules[i]
		if r.pkg == obj.Pkg().Path() && anyMatch(r.names, name) && !anyMatch(r.except, name) {
			return r, obj.Pkg().Name() + "." + name
		}
	}
	return nil, ""
}

func methodName(fn *types.Func) string {
	recv := fn.Signature().Recv()
	if recv == nil {
		return fn.Name()
	}
	t := types.Unalias(recv.Type())
	if ptr, ok := t.(*types.Pointer); ok {
		t = types.Unalias(ptr.Elem())
	}
	if named, ok := t.(*types.Named); ok {
		return named.Obj().Name() + "." + fn.Name()
	}
	return fn.Name()
}

func anyMatch(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, name); err == nil && ok {
			return true
		}
	}
	return false
}
