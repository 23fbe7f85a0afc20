package api

import (
	"net/http"
)

// route is one call of the API.
type route struct {
	method, path string
	fn           func(http.ResponseWriter, *http.Request) error
	op           operation
	// open: it is answered to all.
	open bool
}

func (a *api) routes() []route {
	return []route{
		{http.MethodGet, "/v1/ping", a.ping, pingOp, true},
		{http.MethodGet, "/v1/openapi.json", a.openapi, openapiOp, false},
		{http.MethodGet, "/v1/stats", a.stats, statsOp, false},
		{http.MethodGet, "/v1/workflows", a.workflows, workflowsOp, false},
		{http.MethodPost, "/v1/workflows/{name}/runs", a.start, startOp, false},
		{http.MethodGet, "/v1/runs", a.list, listOp, false},
		{http.MethodGet, "/v1/runs:watch", a.watchRuns, watchRunsOp, false},
		{http.MethodPost, "/v1/runs:cancel", a.bulk(a.rt.CancelAll), cancelAllOp, false},
		{http.MethodPost, "/v1/runs:resume", a.bulk(a.rt.ResumeAll), resumeAllOp, false},
		{http.MethodPost, "/v1/runs:delete", a.bulk(a.rt.DeleteAll), deleteAllOp, false},
		{http.MethodGet, "/v1/runs/{id}", a.get, getOp, false},
		{http.MethodPost, "/v1/runs/{id}/fork", a.fork, forkOp, false},
		{http.MethodPost, "/v1/runs/{id}/version", a.setVersion, setVersionOp, false},
		{http.MethodDelete, "/v1/runs/{id}", a.delete, deleteOp, false},
		{http.MethodGet, "/v1/runs/{id}/steps", a.steps, stepsOp, false},
		{http.MethodGet, "/v1/runs/{id}/history", a.history, historyOp, false},
		{http.MethodGet, "/v1/runs/{id}/watch", a.watchRun, watchRunOp, false},
		{http.MethodPost, "/v1/runs/{id}/cancel", a.cancel, cancelOp, false},
		{http.MethodPost, "/v1/runs/{id}/resume", a.resume, resumeOp, false},
		{http.MethodGet, "/v1/schedules", a.schedules, schedulesOp, false},
		{http.MethodPost, "/v1/schedules/{name}/pause", a.pauseSchedule, pauseScheduleOp, false},
		{http.MethodPost, "/v1/schedules/{name}/resume", a.resumeSchedule, resumeScheduleOp, false},
		{http.MethodPost, "/v1/schedules/{name}/trigger", a.triggerSchedule, triggerScheduleOp, false},
		{http.MethodPost, "/v1/schedules/{name}/backfill", a.backfillSchedule, backfillScheduleOp, false},
		{http.MethodPost, "/v1/runs/{id}/messages/{topic}", a.send, sendOp, false},
		{http.MethodGet, "/v1/queues", a.queues, queuesOp, false},
		{http.MethodPatch, "/v1/queues/{name}", a.changeQueue, changeQueueOp, false},
		{http.MethodPost, "/v1/queues/{name}/pause", a.pauseQueue, pauseQueueOp, false},
		{http.MethodPost, "/v1/queues/{name}/resume", a.resumeQueue, resumeQueueOp, false},
		{http.MethodPost, "/v1/queues/{name}/reset", a.resetQueue, resetQueueOp, false},
		{http.MethodPost, "/v1/runs/{id}/updates/{name}", a.update, updateOp, false},
		{http.MethodGet, "/v1/runs/{id}/events/{key}", a.event, eventOp, false},
		{http.MethodGet, "/v1/runs/{id}/streams/{name}", a.stream, streamOp, false},
	}
}

func methodsByPath(routes []route) map[string][]string {
	m := map[string][]string{}
	for _, r := range routes {
		m[r.path] = append(m[r.path], methodsOf(r.method)...)
	}
	return m
}

// methodsOf adds HEAD to GET; net/http leaves out the body.
func methodsOf(method string) []string {
	if method == http.MethodGet {
		return []string{http.MethodGet, http.MethodHead}
	}
	return []string{method}
}
