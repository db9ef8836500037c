// Package notify rings phones. What it rings for is an item of somebody's inbox, which a
// commit has put there: a push is a hint that there is one, and carries nothing of it but a
// safe text, its ids and where a tap leads. Ring plans the pushes of an item, one for each
// address of its owner, under ids that follow from the item, so that planning twice plans
// once; Round sends what is due. Both may be at work in several processes, and be killed
// anywhere: what was under way is sent again after its lease, and the phone draws the same
// card in the place of the first.
package notify
