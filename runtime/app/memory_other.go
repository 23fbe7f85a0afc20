//go:build !linux

package app

func releaseImage() {}
