// One user on mautrix-go with its cryptography in Go. Started by user.ts; the protocol is described in user-protocol.ts.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"maunium.net/go/mautrix/id"
)

type request struct {
	ID   int64           `json:"id"`
	Cmd  string          `json:"cmd"`
	Args json.RawMessage `json:"args"`
}

// arguments are those of all commands; each uses its own.
type arguments struct {
	URL         string          `json:"url"`
	UserID      id.UserID       `json:"userId"`
	Password    string          `json:"password"`
	Unsigned    bool            `json:"unsigned"`
	RecoveryKey string          `json:"recoveryKey"`
	RoomID      id.RoomID       `json:"roomId"`
	EventID     id.EventID      `json:"eventId"`
	DeviceID    id.DeviceID     `json:"deviceId"`
	Encrypted   bool            `json:"encrypted"`
	InClear     bool            `json:"inClear"`
	Match       bool            `json:"match"`
	Code        []byte          `json:"code"`
	Type        string          `json:"type"`
	Content     json.RawMessage `json:"content"`
}

var output struct {
	sync.Mutex
	lines *json.Encoder
}

func say(message any) {
	output.Lock()
	defer output.Unlock()
	if err := output.lines.Encode(message); err != nil {
		fmt.Fprintln(os.Stderr, "could not be told:", err)
	}
}

func answer(asked request, me **user) {
	result, err := handle(asked, me)
	if err != nil {
		say(map[string]any{"id": asked.ID, "ok": false, "error": err.Error()})
		return
	}
	say(map[string]any{"id": asked.ID, "ok": true, "result": result})
}

func handle(asked request, me **user) (any, error) {
	var args arguments
	if err := json.Unmarshal(asked.Args, &args); err != nil {
		return nil, err
	}
	ctx := context.Background()
	if asked.Cmd == "start" {
		started, err := start(ctx, args)
		if err != nil {
			return nil, err
		}
		*me = started
		return started.session(), nil
	}
	u := *me
	if u == nil {
		return nil, fmt.Errorf("not started")
	}
	switch asked.Cmd {
	case "waitRoom":
		return nil, u.waitRoom(ctx, args.RoomID, args.Encrypted)
	case "send":
		return u.send(ctx, args.RoomID, args.Type, args.Content)
	case "members":
		return u.members(ctx, args.RoomID)
	case "deviceTrust":
		return u.deviceTrust(ctx, args.UserID)
	case "shield":
		return u.shield(args.EventID), nil
	case "verify":
		return u.verifications.bySAS(ctx, args)
	case "finishVerification":
		return u.verifications.finishSAS(ctx, args.Match)
	case "scan":
		return nil, u.verifications.scan(ctx, args)
	case "finishScan":
		return u.verifications.finishScan()
	case "isVerified":
		return u.isVerified(ctx, args.UserID)
	case "restoreBackup":
		return u.restoreBackup(ctx)
	case "readEvent":
		return u.readEvent(ctx, args.RoomID, args.EventID)
	case "rotateSession":
		return nil, u.machine.CryptoStore.RemoveOutboundGroupSession(ctx, args.RoomID)
	}
	return nil, fmt.Errorf("mautrix-go has no %s", asked.Cmd)
}

func main() {
	output.lines = json.NewEncoder(os.Stdout)
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 4<<20)
	var me *user
	for input.Scan() {
		var asked request
		if err := json.Unmarshal(input.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, "not understood:", err)
			os.Exit(1)
		}
		// The first one is waited for: there is nobody to ask before.
		if me == nil {
			answer(asked, &me)
		} else {
			go answer(asked, &me)
		}
	}
}
