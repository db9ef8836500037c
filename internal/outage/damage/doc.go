// Package damage spoils the file of a database: any page, any bit, its end, the log of
// changes beside it. Either lumbung doctor finds it, or everything reads as before; and a
// server that comes upon it says so, until a copy is put back.
package damage
