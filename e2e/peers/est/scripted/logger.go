package main

import (
	"fmt"
	"log"
	"strings"

	"github.com/globalsign/est"
)

// logger implements est.Logger with lines laid out as the stock estserver's, so that one reader serves for both.
type logger struct {
	fields []any
}

func (l logger) Errorf(format string, arguments ...any) { log.Printf("ERROR\t"+format, arguments...) }
func (l logger) Infof(format string, arguments ...any)  { log.Printf("INFO\t"+format, arguments...) }
func (l logger) Errorw(message string, pairs ...any)    { l.write("ERROR", message, pairs) }
func (l logger) Infow(message string, pairs ...any)     { l.write("INFO", message, pairs) }

func (l logger) With(pairs ...any) est.Logger {
	return logger{append(l.fields[:len(l.fields):len(l.fields)], pairs...)}
}

func (l logger) write(level, message string, pairs []any) {
	pairs = append(l.fields[:len(l.fields):len(l.fields)], pairs...)
	var texts []string
	for i := 0; i+1 < len(pairs); i += 2 {
		texts = append(texts, fmt.Sprintf("%q: %q", pairs[i], fmt.Sprint(pairs[i+1])))
	}
	log.Printf("%s\t%s\t{%s}", level, message, strings.Join(texts, ", "))
}
