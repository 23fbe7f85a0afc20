// Package plot draws the result of an experiment as one SVG: the latency of
// each probe over time, the memory of the server and the runs done, one above
// the other on the same time axis.
//
// The picture stands alone: no script, no font or style from elsewhere. It
// follows the reader's light or dark preference, and shows larger, fewer words
// where it is displayed narrow. Its size is bounded whatever the number of
// probes: above some thousands they are summed up per column of the drawing.
package plot
