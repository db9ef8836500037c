package fcm

import (
	"testing"

	firebase "firebase.google.com/go/v4"
	"google.golang.org/api/option"
)

// TestTheSDKBringsNoClientsOfStores: the packages in leftout stand in for clients of Cloud
// Firestore and Cloud Storage, which would be a quarter of the program. Whoever takes the
// replacements out of go.mod gets these clients, and this failure.
func TestTheSDKBringsNoClientsOfStores(t *testing.T) {
	app, err := firebase.NewApp(t.Context(), &firebase.Config{ProjectID: "lumbung"}, option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	if c, err := app.Firestore(t.Context()); c != nil || err == nil {
		t.Errorf("a client of Cloud Firestore: %v", err)
	}
	if c, err := app.Storage(t.Context()); c != nil || err == nil {
		t.Errorf("a client of Cloud Storage: %v", err)
	}
}
