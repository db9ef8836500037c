package domain

import "github.com/lumbung-ikm/lumbung/sync/merge"

func reactJournal(merge.Change) []merge.Effect    { return nil }
func refused(merge.Refusal) []merge.Effect        { return nil }
func reactTask(merge.Change) []merge.Effect       { return nil }
func reactTaskEvent(merge.Change) []merge.Effect  { return nil }
func reactSales(merge.Change) []merge.Effect      { return nil }
func reactAdjustment(merge.Change) []merge.Effect { return nil }
