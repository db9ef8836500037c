package mongotest

import (
	"context"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Weight is what one collection holds.
type Weight struct {
	Collection string
	Documents  int
	Bytes      int // of the documents, as BSON, before the server compresses them
	Largest    int // of these, that of the largest
	Keys       int // entries of all indexes together
	KeyBytes   int // of these, before prefixes are shared
	Snappy     int // bytes of the documents packed in blocks of 32 KiB, as the server does by default
	Zstd       int // likewise, as it does if it is told to
}

// block is how much of a collection is packed together.
const block = 32 << 10

// pack adds what a block weighs when it is packed.
func (w *Weight) pack(b []byte, z *zstd.Encoder) {
	w.Snappy += len(snappy.Encode(nil, b))
	w.Zstd += len(z.EncodeAll(b, nil))
}

// Weigh reads a whole database and adds up what it holds.
func Weigh(ctx context.Context, address, name string) (out []Weight, err error) {
	client, err := mongo.Connect(options.Client().ApplyURI(address))
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Disconnect(ctx) }() // nothing is left to be lost
	db := client.Database(name)
	collections, err := db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return nil, err
	}
	for _, c := range collections {
		w, err := weigh(ctx, db.Collection(c))
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

func weigh(ctx context.Context, c *mongo.Collection) (w Weight, err error) {
	w.Collection = c.Name()
	specs, err := c.Indexes().ListSpecifications(ctx)
	if err != nil {
		return w, err
	}
	found, err := c.Find(ctx, bson.D{})
	if err != nil {
		return w, err
	}
	defer found.Close(ctx)
	z, err := zstd.NewWriter(nil)
	if err != nil {
		return w, err
	}
	var waits []byte
	for found.Next(ctx) {
		w.Documents, w.Bytes, w.Largest = w.Documents+1, w.Bytes+len(found.Current), max(w.Largest, len(found.Current))
		if waits = append(waits, found.Current...); len(waits) >= block {
			w.pack(waits, z)
			waits = waits[:0]
		}
		for _, s := range specs {
			n, size, err := keysOf(found.Current, s)
			if err != nil {
				return w, err
			}
			w.Keys, w.KeyBytes = w.Keys+n, w.KeyBytes+size
		}
	}
	w.pack(waits, z)
	return w, found.Err()
}

// place is what an entry of an index needs beside its values: the number of the
// document, and the ends of strings.
const place = 10

// keysOf tells how many entries of an index a document has, and their bytes.
func keysOf(doc bson.Raw, s mongo.IndexSpecification) (n, size int, err error) {
	var fields bson.D
	if err := bson.Unmarshal(s.KeysDocument, &fields); err != nil {
		return 0, 0, err
	}
	n = 1
	for _, f := range fields {
		v, err := doc.LookupErr(f.Key)
		if err != nil { // absent: null, or left out where the index is partial
			if f.Key == fields[0].Key && len(fields) == 1 || s.Name != "users" && s.Name != "moved" && f.Key != "_id" && partial(s.Name) {
				return 0, 0, nil
			}
			size++
			continue
		}
		if list, ok := v.ArrayOK(); ok {
			values, err := list.Values()
			if err != nil {
				return 0, 0, err
			}
			n = max(n, len(values))
			for _, e := range values {
				size += len(e.Value) / max(len(values), 1)
			}
			continue
		}
		size += len(v.Value)
	}
	return n, n * (size + place), nil
}

// partial reports whether an index leaves out documents without its fields.
func partial(name string) bool {
	switch name {
	case "marks", "open", "tags", "pages", "unsent":
		return true
	}
	return false
}
