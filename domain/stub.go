package domain

import "github.com/lumbung-ikm/lumbung/sync/merge"

func taskStates() []string {
	return []string{"proposed", "assigned", "in_progress", "blocked", "submitted", "returned", "verified", "cancelled"}
}
func taskOps() []string {
	return []string{"verify", "cancel", "refuse", "return", "submit", "unblock", "block", "start", "accept", "reopen"}
}
func adjustmentKinds() []string {
	return []string{"correct", "void", "reinstate", "refund", "verify", "reject"}
}

const (
	SaleRecorded      = "recorded"
	SaleVerified      = "verified"
	SaleRejected      = "rejected"
	SaleVoid          = "void"
	FlagNeedsReview   = "needs_review"
	FlagBackdated     = "backdated"
	FlagRefundTooHigh = "refund_exceeds_amount"
)

func allowBusiness(merge.Attempt) *merge.Reject                    { return nil }
func deriveBusiness(merge.View, merge.Row) (d merge.Derived)       { return }
func allowAttachment(merge.Attempt) *merge.Reject                  { return nil }
func reactJournal(merge.Change) []merge.Effect                     { return nil }
func refused(merge.Refusal) []merge.Effect                         { return nil }
func allowTask(merge.Attempt) *merge.Reject                        { return nil }
func deriveTask(merge.View, merge.Row) (d merge.Derived)           { return }
func reactTask(merge.Change) []merge.Effect                        { return nil }
func judgeTask(merge.Judgement) *merge.Reject                      { return nil }
func reactTaskEvent(merge.Change) []merge.Effect                   { return nil }
func allowSales(merge.Attempt) *merge.Reject                       { return nil }
func deriveSales(merge.View, merge.Row) (d merge.Derived)          { return }
func tagSales(merge.Row) []string                                  { return nil }
func relateSales(merge.View, merge.Row) (m map[string]merge.Value) { return }
func reactSales(merge.Change) []merge.Effect                       { return nil }
func judgeAdjustment(merge.Judgement) *merge.Reject                { return nil }
func reactAdjustment(merge.Change) []merge.Effect                  { return nil }
