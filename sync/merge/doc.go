// Package merge decides what becomes of edits that people made without seeing
// each other. It is pure: records, mutations, the access list and instants go
// in; states, verdicts, journal entries and effects come out. It does no I/O,
// reads no clock and draws no random number, so the same input gives the same
// output on every machine and in every year.
//
// The words are those of docs/protocol.md: a mutation is one edit by one person
// on one record; a write covers an earlier write that its author had seen; the
// heads of a slot are its writes that no other write covers; the value of a
// slot is a function of its heads alone. Nothing here asks in which order
// mutations arrived, except the policy once, whose meaning that is.
package merge
