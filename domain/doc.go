// Package domain holds the rules of the programmes: who may do what, which
// states follow each other, what a rupiah, a phone number and a local day are,
// and the catalogue of everything that syncs. It takes values and instants and
// returns values: no context, no clock, no store. Server and phone run the same
// code.
package domain
