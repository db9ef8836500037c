module github.com/lumbung-ikm/lumbung

go 1.26
