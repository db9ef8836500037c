package play

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
)

// Campaign plays everything on one database in folder, which stays there: the
// wrong amount in one order in full and in every order briefly, the visit, and
// the thirty days. It tells how it goes and fails if something does not come
// out as it must.
func Campaign(ctx context.Context, tell *Teller, folder string, seed uint64) (err error) {
	w, err := Open(ctx, AmountStart(), Options{Path: Database(folder), Seed: seed})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close(context.WithoutCancel(ctx))) }()
	tell.Title("1 · Two phones and a tablet, one business, one wrong amount")
	full, err := w.PlayAmount(ctx, tell, []int{2, 1, 0})
	if err != nil {
		return err
	}
	if err := everyOrder(ctx, tell, folder, full); err != nil {
		return err
	}
	tell.Title("2 · A check-off at a visit, the owner's own submission, and a business that changes hands")
	visit, err := w.PlayVisit(ctx, tell, []Arrival{OwnerSyncs, Handover, MentorSyncs, MentorLate})
	if err != nil {
		return err
	}
	if visit.State != "verified" || visit.Photos != 5 || !visit.Alike || !visit.Purged || visit.Waiting != 0 {
		return fmt.Errorf("the visit came out wrong: %+v", visit)
	}
	tell.Title("3 · Thirty days of bad network")
	month, err := w.PlayMonth(ctx, tell)
	if err != nil {
		return err
	}
	if !month.Alike || !month.TotalsSame || month.Waiting != 0 {
		return fmt.Errorf("the month came out wrong: %+v", month)
	}
	return nil
}

// Database is where Campaign keeps its database.
func Database(folder string) string { return filepath.Join(folder, "lumbung.db") }

// everyOrder plays the wrong amount in every order, each on a server of its own.
func everyOrder(ctx context.Context, tell *Teller, folder string, full Amount) error {
	tell.Say("\nThe same in every order of arrival, each batch sent three times:")
	table := [][]string{{"first", "second", "third", "after all", "in the end"}}
	for n, order := range Orders(3) {
		got, err := alone(ctx, filepath.Join(folder, fmt.Sprintf("order-%d.db", n)), order)
		if err != nil {
			return err
		}
		if got.Final != full.Final || !got.Alike || got.Settled.State != domain.SaleVoid || !slices.Equal(got.Shown, []domain.Rupiah{0, 1_250_000, 1_520_000}) {
			return fmt.Errorf("order %v came out wrong: %+v", order, got)
		}
		table = append(table, append(got.Order, "void, "+got.Settled.Counted.Format(), got.Final.Channel+", "+got.Final.Counted.Format()))
	}
	tell.Table(table...)
	tell.Good("Six orders, one result. The entry never counted for anything but Rp1.250.000, Rp0 and Rp1.520.000.")
	return nil
}

func alone(ctx context.Context, path string, order []int) (got Amount, err error) {
	w, err := Open(ctx, AmountStart(), Options{Path: path, Repeat: 3})
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, w.Close(context.WithoutCancel(ctx))) }()
	return w.PlayAmount(ctx, &Teller{}, order)
}
