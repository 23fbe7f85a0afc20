package store

// Codes of failures that Stepwell itself records.
const (
	CodeCancelled        = "cancelled"
	CodeCompensation     = "compensation"
	CodeDeadline         = "deadline"
	CodeTimeout          = "timeout"
	CodeHeartbeat        = "heartbeat"
	CodeNondeterministic = "nondeterministic"
	CodeRecoveries       = "recoveries"
	CodePanic            = "panic"
)

// Failure is the recorded form of an error: what a workflow sees of it, live
// and in replay.
type Failure struct {
	// Code names the kind of error where the program registered one.
	Code    string `json:"code,omitempty" jsonschema:"the kind of error, where the program or Stepwell gave it one"`
	Message string `json:"message" jsonschema:"what went wrong"`
	// Step is the path of the step that failed, where there is one.
	Step string `json:"step,omitempty" jsonschema:"the path of the step that failed"`
	// Stack is set for a panic.
	Stack string `json:"stack,omitempty" jsonschema:"where it panicked"`
	// Sealed is the encrypted form of message and stack, in base64; then those
	// do not tell.
	Sealed string `json:"sealed,omitempty" jsonschema:"the encrypted form of message and stack, in base64; then those do not tell"`
}
