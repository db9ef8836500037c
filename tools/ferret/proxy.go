package main

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

// proxy stands between clients and the engine.
type proxy struct {
	socket string     // of the engine
	turn   sync.Mutex // held by whoever changes what is there already
}

func newProxy(socket string) *proxy { return &proxy{socket: socket} }

// serve forwards what comes in until ctx ends, and then closes every connection.
func (p *proxy) serve(ctx context.Context, front net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	context.AfterFunc(ctx, func() { _ = front.Close() })
	var all sync.WaitGroup
	defer all.Wait()
	for {
		client, err := front.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			stop()
			return err
		}
		all.Go(func() { p.forward(ctx, client) })
	}
}

// forward carries questions and answers of one client until either side hangs up.
// What it cannot carry it ends, and the client sees that.
func (p *proxy) forward(ctx context.Context, client net.Conn) {
	defer func() { _ = client.Close() }()
	engine, err := net.Dial("unix", p.socket)
	if err != nil {
		return
	}
	defer func() { _ = engine.Close() }()
	defer context.AfterFunc(ctx, func() { _ = errors.Join(client.Close(), engine.Close()) })()
	for {
		question, err := readMessage(client)
		if err != nil {
			return
		}
		answer, err := p.ask(engine, question)
		if err != nil {
			return
		}
		if _, err := client.Write(answer); err != nil {
			return
		}
	}
}

// ask sends a question to the engine and waits for the answer, alone if the
// question changes what is there. The answer is empty if none was asked for.
func (p *proxy) ask(engine io.ReadWriter, question message) (message, error) {
	if changes(question.command()) {
		p.turn.Lock()
		defer p.turn.Unlock()
	}
	if _, err := engine.Write(question); err != nil {
		return nil, err
	}
	if question.unanswered() {
		return nil, nil
	}
	return readMessage(engine)
}

// changes reports whether a command reads before it writes. An insert does not:
// the index of SQLite guards it. Of two that make indexes at once one would die.
func changes(command string) bool {
	switch command {
	case "update", "delete", "findAndModify", "findandmodify", "create", "createIndexes", "drop", "dropIndexes", "dropDatabase":
		return true
	}
	return false
}
