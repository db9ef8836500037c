module github.com/lumbung-ikm/lumbung

go 1.26

require (
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)
