// Package storetest holds the promises that every store keeps, each as one
// named check.
package storetest

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/store"
)

// Run checks every promise of store.Store, and of store.Appender if the stores
// offer it, against fresh stores from open.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, p := range promises() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			r := &rig{T: t, s: open(t)}
			if p.appends {
				if _, ok := r.s.(store.Appender); !ok {
					t.Skip("the store does not append")
				}
			}
			p.check(r)
		})
	}
}

type promise struct {
	name    string
	check   func(*rig)
	appends bool // asks for a store.Appender
}

func promises() []promise {
	return []promise{
		{"the store answers a ping", answersPing, false},

		{"a scope has one head, made as given", createOnce, false},
		{"one of many parallel creates wins", oneCreateWins, false},
		{"an absent head is called absent", absentHead, false},
		{"scopes are listed in order, from any place, up to a limit", scopesInOrder, false},
		{"heads are found by user, now or ever, and by name, each once, in order", headsFor, false},
		{"the heads of a user follow the access list", headsFollowAccess, false},

		{"a log entry comes back as it was inserted, byte for byte", entryComesBack, false},
		{"an absent log entry is called absent", absentEntry, false},
		{"a place in the log is taken once, by whatever commit", insertOnce, false},
		{"one of many parallel inserts wins", oneInsertOfEight, false},
		{"places of different generations are different places", placesByGeneration, false},
		{"withdraw removes its own entry and no other", withdrawOwn, false},
		{"what a caller changes afterwards changes nothing in the store", nothingShared, false},

		{"fold carries records, pages and head", foldCarries, false},
		{"fold leaves everything else in the head alone", foldTouchesItsFields, false},
		{"a fold of a merger says where the scope has moved", foldMoves, false},
		{"a fold may begin with any head that was read", foldFromAny, false},
		{"a head knows that refusals of foreign edits may come", expects, false},
		{"a fold raises marks and never lowers them", foldRaisesMarks, false},
		{"a commit folded again changes nothing", foldTwice, false},
		{"many may fold the same log at once", foldTogether, false},
		{"a commit of an ended generation is never written over the new one", foldOldGeneration, false},
		{"what is newer already is left as it is and counts as done", foldUnderNewer, false},
		{"a later generation is newer, whatever the version", foldLaterGeneration, false},
		{"fold refuses to skip a commit and writes nothing", foldInOrder, false},
		{"folding without a head is absent", foldWithoutHead, false},

		{"load gives the asked records that exist", loadKeys, false},
		{"load gives every record that carries a tag, deleted ones too", loadTags, false},
		{"load gives pages and the number of the newest", loadPages, false},
		{"load reads many keys at once", loadMany, false},
		{"load keeps scopes apart", loadScopesApart, false},

		{"changes come by version, and inside one version as the commit lists them", changedInOrder, false},
		{"pages of any size join to the whole, without a gap or a repetition", changedPages, false},
		{"a page ends with the record that reaches the limit, and has at least one", changedLimit, false},
		{"changes end at the version asked for, and say that they are torn", changedTorn, false},
		{"deleted records are left out at or below skipDead and sent above it", changedDead, false},
		{"a position whose record has moved on loses nothing", changedMoved, false},
		{"a position without a key has passed its version", changedPassed, false},
		{"changes carry neither states nor tags", changedPublic, false},

		{"scopes with an entry above applied are unfolded", unfolded, false},
		{"heads with a mark are waiting for that follower only", waiting, false},
		{"done clears the mark it knows and no newer one", doneKeepsNewer, false},
		{"prune raises the mark and deletes up to it", pruneDeletes, false},
		{"prune never lowers the mark, nor deletes the newest or an unfolded entry", pruneLimits, false},
		{"prune waits for followers", pruneWaits, false},
		{"prune deletes what a crash left over", pruneAgain, false},
		{"prune deletes what ended generations left", pruneEnded, false},
		{"erase empties old tombstones, and keeps key, version and place", eraseRecords, false},
		{"erase empties old pages of the book, and never the newest", erasePages, false},
		{"what is erased is not written back by somebody who stalled", eraseGuards, false},
		{"a fold does not lower the prune mark", foldKeepsPruned, false},
		{"raise begins a generation and remembers the fork", raiseBegins, false},
		{"raise is guarded by generation and applied", raiseGuard, false},
		{"one of many parallel raises wins", oneRaiseWins, false},

		{"append inserts and folds", appendWorks, true},
		{"append is stale unless the head is just before it", appendStale, true},
		{"append finds the place of an unfolded entry taken", appendTaken, true},
		{"append refuses a pruned place", appendPruned, true},
		{"parallel appends to one scope leave no gap", appendsRace, true},
		{"parallel appends to many scopes all count", appendsApart, true},

		{"a claim belongs to the first who asks", claimFirst, false},
		{"one of many parallel claims wins", oneClaimWins, false},
		{"a claim is released by its holder only", claimRelease, false},
		{"backups are numbered", epochs, false},
		{"a head is read together with the numbers of backups", looks, false},
		{"a retired store takes nothing and tells nothing, until it is ready again", retired, false},
		{"one of many who change the condition from the same one wins", oneConditionWins, false},
		{"parallel backups get numbers of their own", epochsRace, false},

		{"the store does what a simple model does", likeTheModel, false},
	}
}
