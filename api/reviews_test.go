package api_test

import (
	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// staleReview puts an edit into the queue whose author saw nothing of what is
// there now, and gives the path of its resolution.
func (o *tour) staleReview(author wire.Login, business string) string {
	item, scope := id.Derive("a stale review", business), "business/"+business
	head, err := o.parts.Engine.Store.Head(o.Context(), scope)
	if err != nil {
		o.Fatal(err)
	}
	late := merge.Mutation{N: 1, Schema: 1, Collection: "business", ID: business, Op: merge.Put, Base: &merge.Base{Generation: head.Generation},
		Set: map[string]merge.Value{"name": merge.Str("Nama lama")}}
	if _, err := o.parts.Engine.Write(o.Context(), "decision/general", merge.ServerWrite{Name: "a stale item", Role: merge.System, Collection: "review_item", ID: item, Op: merge.Put,
		Create: true, Set: map[string]merge.Value{"what": merge.Str("refused_edit"), "scope": merge.Str(scope), "author": merge.Str(author.User.Id),
			"mutation": merge.Str(string(late.WireMutation())), "at": head.Time.Value()}}); err != nil {
		o.Fatal(err)
	}
	return "/v1/reviews/" + item + "/resolution"
}
