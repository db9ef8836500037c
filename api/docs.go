package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/swaggest/swgui/v5/static"

	lumbung "github.com/lumbung-ikm/lumbung"
)

// docsPage shows the specification with files that the binary carries: nothing
// is fetched from elsewhere.
const docsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lumbung API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`

const docsStart = `SwaggerUIBundle({url: "/openapi.yaml", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null});
`

// docsPolicy lets the page run its own files and style itself.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"

func (s *Server) page(x *call) error {
	return x.file("text/html; charset=utf-8", []byte(docsPage))
}

// docsFile serves one of the files that docsPage asks for.
//
// Errors: NotFound "not_found".
func (s *Server) docsFile(x *call) error {
	kinds := map[string]string{"swagger-ui.css": "text/css; charset=utf-8", "swagger-ui-bundle.js": "text/javascript; charset=utf-8"}
	name := x.Params("file")
	if name == "start.js" {
		return x.file("text/javascript; charset=utf-8", []byte(docsStart))
	}
	kind, ok := kinds[name]
	if !ok {
		return notFound()
	}
	packed, err := fs.ReadFile(static.FS, name+".gz")
	if err != nil {
		return err
	}
	x.Set(fiber.HeaderCacheControl, "public, max-age=86400")
	if strings.Contains(accepted(x.Get(fiber.HeaderAcceptEncoding)), "gzip") || accepted(x.Get(fiber.HeaderAcceptEncoding)) == "zstd" && strings.Contains(x.Get(fiber.HeaderAcceptEncoding), "gzip") {
		x.Set(fiber.HeaderContentEncoding, "gzip")
		return x.file(kind, packed)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		return err
	}
	return x.file(kind, plain)
}

func (s *Server) specification(x *call) error {
	x.Set(fiber.HeaderCacheControl, "no-cache")
	return x.bytes("application/yaml", lumbung.Spec)
}

func (x *call) file(kind string, body []byte) error {
	x.Set(fiber.HeaderContentSecurityPolicy, docsPolicy)
	return x.bytes(kind, body)
}

func (x *call) bytes(kind string, body []byte) error {
	x.Set(fiber.HeaderContentType, kind)
	x.Status(fiber.StatusOK).Response().SetBodyRaw(body)
	return nil
}
