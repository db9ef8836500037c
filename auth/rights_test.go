package auth_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// TestOneAdminIsLeft: all of them lose their role at the same time, in every way there is, and
// one does not.
func TestOneAdminIsLeft(t *testing.T) {
	for name, open := range stores() {
		t.Run(name, func(t *testing.T) {
			h := houseOn(open(t), clock.At(start()))
			for round := range 8 {
				var admins []string
				for n := range 4 {
					u, err := h.CreateUser(t.Context(), fmt.Sprintf("+62811700%02d%02d", round+10, n), []string{auth.RoleAdmin})
					must(t, err)
					admins = append(admins, u.ID)
				}
				errs := make([]error, len(admins))
				var all sync.WaitGroup
				for n, id := range admins {
					all.Go(func() {
						switch n % 3 {
						case 0:
							errs[n] = h.SetRoles(context.Background(), id, []string{auth.RoleMentor})
						case 1:
							errs[n] = h.Suspend(context.Background(), id)
						case 2:
							errs[n] = h.Erase(context.Background(), id)
						}
					})
				}
				all.Wait()
				left := 0
				for n, id := range admins {
					u, err := h.User(t.Context(), id)
					must(t, err)
					is := u.Status == store.UserActive && slices.Contains(u.Roles, auth.RoleAdmin)
					if is {
						left++
						wantCode(t, errs[n], fault.Conflict, "last_admin")
						must(t, h.Store.ReplaceUser(t.Context(), store.User{ID: u.ID, Phone: u.Phone, Status: store.UserActive, Rev: u.Rev})) // for the next round
					} else if errs[n] != nil {
						t.Errorf("%d is no admin any more, and was told %v", n, errs[n])
					}
				}
				if left != 1 {
					t.Errorf("%d admins are left", left)
				}
			}
		})
	}
}

// TestPeopleByPages: each once, whatever the filter and the size of a page.
func TestPeopleByPages(t *testing.T) {
	h := newHouse()
	want := map[string]int{}
	for n := range 1200 {
		roles := [][]string{nil, {auth.RoleMentor}, {auth.RoleMentor, auth.RoleAdmin}}[n%100%3]
		_, err := h.CreateUser(t.Context(), fmt.Sprintf("+62811701%04d", n), roles)
		must(t, err)
		for _, r := range append(roles, "") {
			want[r]++
		}
	}
	for role, n := range want {
		for _, limit := range []int{7, 500} {
			seen, after := map[string]bool{}, ""
			for more := true; more; more = after != "" {
				page, next, err := h.Users(t.Context(), auth.UserFilter{Role: role, Status: store.UserActive}, after, limit)
				must(t, err)
				if len(page) > limit {
					t.Fatalf("%d of at most %d", len(page), limit)
				}
				for _, u := range page {
					seen[u.ID] = true
				}
				after = next
			}
			if len(seen) != n {
				t.Errorf("role %q in pages of %d: %d people, want %d", role, limit, len(seen), n)
			}
		}
	}
	if page, _, err := h.Users(t.Context(), auth.UserFilter{Status: store.UserSuspended}, "", 10); err != nil || len(page) != 0 {
		t.Errorf("nobody is suspended: %v, %v", page, err)
	}
}
