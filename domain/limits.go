package domain

import "github.com/lumbung-ikm/lumbung/sync/merge"

// SchemaVersion is the newest catalogue that this code reads and writes.
const SchemaVersion = 1

// Limits that more than one table uses. All are part of what phones are told,
// so a lower one needs a new SchemaVersion.
const (
	MaxAmount        Rupiah = 10_000_000_000 // one sales entry, in rupiah
	ReceiptWanted    Rupiah = 10_000_000     // above it a receipt is asked for, not demanded
	MaxLines                = 50             // lines of one entry
	MaxChecklist            = 20             // items of one task
	MaxPhotos               = 10             // photos of a business or a product
	MaxEvidence             = 30             // attachments of one task event
	MaxAttachment           = 5 << 20        // bytes of one file
	BackdatedDays           = 14             // an entry older than this at the edit is marked
	FutureDays              = 1              // how far sold_on may lie ahead of the server's day
	DuplicateMinutes        = 15             // two phones with one amount inside this look like one sale
	ReopenDays              = 7              // how long a mentor may reopen an own verification
	OfflineMinutes          = 15             // a check-off that arrives later was made without a connection
)

// Permissions that an owner gives to staff.
const (
	PermLogSales    = "log_sales"
	PermEditProfile = "edit_profile"
	PermSubmitTasks = "submit_tasks"
	PermSeeTotals   = "see_totals"
)

const minute = merge.Millis(60 * 1000)

const day = 24 * 60 * minute

func permissions() []string {
	return []string{PermLogSales, PermEditProfile, PermSubmitTasks, PermSeeTotals}
}
