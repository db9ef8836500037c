// Package report reads and writes the tables that people hand in and take away:
// CSV and XLSX. It knows cells, rows and limits; what a row means is for package
// domain.
package report
