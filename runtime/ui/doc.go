// Package ui is the web UI: pages that the server renders, which work without
// JavaScript as far as they can, and that htmx and server-sent events keep up
// to date. It asks nothing of any other server, and fits a Content-Security-Policy
// without inline scripts, inline styles and eval.
//
// # How it is made
//
// A page is a template beside base.html and a method in the table of routes. A
// change is a form that is posted and answered with a redirect; what cannot be
// undone asks first, on a page of its own that htmx shows as a dialog. What is
// shown to a viewer has no forms, and a viewer's request to change something is
// refused here even when nothing stands before.
//
// Everything that a run brings with it is somebody else's text: it passes
// through html/template, or is escaped where it is put together.
package ui
