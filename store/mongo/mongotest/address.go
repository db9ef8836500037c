// Package mongotest gives tests a database of their own on a server that somebody
// has started.
package mongotest

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lumbung-ikm/lumbung/store/mongo/scratch"
)

// Variable names the address of the server, without a database.
const Variable = "LUMBUNG_TEST_MONGO"

var count atomic.Int64

// Asked reports whether tests are to run on MongoDB.
func Asked() bool { return os.Getenv(Variable) != "" }

// Address is that of an empty database, which is dropped at the end of the test.
// Without a server the test is skipped.
func Address(t testing.TB) string {
	t.Helper()
	if !Asked() {
		t.Skip("skipped: needs MongoDB, at the address in " + Variable)
	}
	name := fmt.Sprintf("lumbung_test_%d_%d", os.Getpid(), count.Add(1))
	address, err := scratch.Named(os.Getenv(Variable), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(address, name); err != nil {
			t.Logf("drop %s: %v", name, err) // the next run uses another name
		}
	})
	return address
}

func drop(address, name string) error {
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	client, err := mongo.Connect(options.Client().ApplyURI(address))
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(ctx) }() // nothing is left to be lost
	return client.Database(name).Drop(ctx)
}
