package domain_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
)

func TestCatalogueObeysTheHouse(t *testing.T) {
	if _, err := domain.Catalogue(); err != nil {
		t.Fatal(err)
	}
}
