package sqlite

func childFull() error { return nil }
