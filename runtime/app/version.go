package app

import "runtime/debug"

// version is set by the linker:
//
//	-ldflags "-X github.com/stepwell/stepwell/runtime/app.version=1.2.3"
var version string

// buildID names the build: by the linker's word, the module's version, or the
// revision it was built from.
func buildID() string {
	if version != "" {
		return version
	}
	info, found := debug.ReadBuildInfo()
	if !found {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if revision == "" {
		return "devel"
	}
	return revision + dirty
}
