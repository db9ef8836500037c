// Package outage holds tests of what becomes of several processes on one MongoDB
// when processes die and networks fail. They start the program itself, talk to it
// as phones do, and then hold the log against what the phones were told. They need
// a server (LUMBUNG_TEST_MONGO).
package outage
