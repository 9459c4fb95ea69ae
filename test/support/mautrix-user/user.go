package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// user is a logged in client. Its stores are in memory: a process is one session, from login to end.
type user struct {
	client        *mautrix.Client
	syncer        *syncer
	machine       *crypto.OlmMachine
	verifications *verifications
	// recoveryKey opens the secret storage; empty on an unsigned device.
	recoveryKey string
	backup      *keyBackup

	lock sync.Mutex
	// unread are the events that were not decrypted yet, as they came.
	unread map[id.EventID]*event.Event
	// trust is how far the device behind a decrypted event is trusted.
	trust map[id.EventID]id.TrustState
}

func start(ctx context.Context, login arguments) (*user, error) {
	client, err := mautrix.NewClient(login.URL, "", "")
	if err != nil {
		return nil, err
	}
	client.Log = zerolog.New(os.Stderr).Level(zerolog.InfoLevel)
	synced := newSyncer()
	client.Syncer = synced
	client.StateStore = mautrix.NewMemoryStateStore()
	_, err = client.Login(ctx, &mautrix.ReqLogin{
		Type:                     mautrix.AuthTypePassword,
		Identifier:               mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: login.UserID.String()},
		Password:                 login.Password,
		InitialDeviceDisplayName: "mautrix-go",
		StoreCredentials:         true,
	})
	if err != nil {
		return nil, fmt.Errorf("login: %w", err)
	}

	u := &user{client: client, syncer: synced, unread: map[id.EventID]*event.Event{}, trust: map[id.EventID]id.TrustState{}}
	helper, err := cryptohelper.NewCryptoHelper(client, []byte("in memory"), crypto.NewMemoryStore(nil))
	if err != nil {
		return nil, err
	}
	helper.DecryptErrorCallback = func(evt *event.Event, err error) { u.tellUnreadable(evt, err.Error()) }
	// The state has to be known before the helper looks at it, and what is encrypted before it is decrypted.
	synced.OnEvent(client.StateStoreSyncHandler)
	synced.OnEvent(u.tell)
	if err = helper.Init(ctx); err != nil {
		return nil, err
	}
	client.Crypto = helper
	u.machine = helper.Machine()
	if u.verifications, err = newVerifications(ctx, u); err != nil {
		return nil, err
	}
	if err = u.setUpIdentity(ctx, login); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- client.SyncWithContext(context.Background()) }()
	select {
	case <-synced.once:
		return u, nil
	case err = <-ended:
		return nil, fmt.Errorf("sync: %w", err)
	}
}

func (u *user) session() map[string]any {
	return map[string]any{
		"userId":      u.client.UserID,
		"deviceId":    u.client.DeviceID,
		"accessToken": u.client.AccessToken,
		"recoveryKey": u.recoveryKey,
	}
}

// syncer tells when the first sync is done, and tries again soon where mautrix-go would rest for ten seconds.
type syncer struct {
	*mautrix.DefaultSyncer
	// whole is held while a response is worked through: until then a room may lack those who are invited to it.
	whole sync.RWMutex
	first sync.Once
	once  chan struct{}
}

func newSyncer() *syncer {
	s := &syncer{DefaultSyncer: mautrix.NewDefaultSyncer(), once: make(chan struct{})}
	s.FilterJSON = &mautrix.Filter{Room: &mautrix.RoomFilter{Timeline: &mautrix.FilterPart{Limit: 100}}}
	return s
}

func (s *syncer) ProcessResponse(ctx context.Context, response *mautrix.RespSync, since string) error {
	s.whole.Lock()
	err := s.DefaultSyncer.ProcessResponse(ctx, response, since)
	s.whole.Unlock()
	s.first.Do(func() { close(s.once) })
	return err
}

func (s *syncer) OnFailedSync(*mautrix.RespSync, error) (time.Duration, error) {
	return 500 * time.Millisecond, nil
}

// tell says what is seen: message-like events, who types, what was read.
func (u *user) tell(ctx context.Context, evt *event.Event) {
	switch content := evt.Content.Parsed.(type) {
	case *event.TypingEventContent:
		say(map[string]any{"event": "typing", "roomId": evt.RoomID, "userIds": content.UserIDs})
		return
	case *event.ReceiptEventContent:
		for eventID, receipts := range *content {
			for userID := range receipts.GetOrCreate(event.ReceiptTypeRead) {
				say(map[string]any{"event": "receipt", "roomId": evt.RoomID, "userId": userID, "eventId": eventID})
			}
		}
		return
	}
	if evt.Type.Class != event.MessageEventType || evt.RoomID == "" {
		return
	}
	if evt.Type == event.EventEncrypted {
		u.lock.Lock()
		u.unread[evt.ID] = evt
		u.lock.Unlock()
		session, err := u.machine.CryptoStore.GetGroupSession(ctx, evt.RoomID, evt.Content.AsEncrypted().SessionID)
		if err != nil {
			u.tellUnreadable(evt, err.Error())
		} else if session == nil {
			u.tellUnreadable(evt, "the key is not here yet")
		}
		return
	}
	wire := evt
	if evt.Mautrix.WasEncrypted {
		u.lock.Lock()
		wire = u.unread[evt.ID]
		delete(u.unread, evt.ID)
		u.trust[evt.ID] = evt.Mautrix.TrustState
		u.lock.Unlock()
	}
	say(map[string]any{"event": "timeline", "seen": describe(evt, wire)})
}

func (u *user) tellUnreadable(evt *event.Event, why string) {
	seen := describe(evt, evt)
	seen["content"] = struct{}{}
	seen["decryptionError"] = why
	say(map[string]any{"event": "timeline", "seen": seen})
}

// describe is a SeenEvent of an event and of what it came as.
func describe(evt, wire *event.Event) map[string]any {
	seen := map[string]any{
		"roomId":      evt.RoomID,
		"eventId":     evt.ID,
		"sender":      evt.Sender,
		"type":        evt.Type.Type,
		"content":     evt.Content.VeryRaw,
		"encrypted":   wire.Type == event.EventEncrypted,
		"wireContent": wire.Content.VeryRaw,
	}
	if evt.Type == event.EventRedaction {
		seen["redacts"] = evt.Redacts
		if redaction := evt.Content.AsRedaction(); evt.Redacts == "" {
			seen["redacts"] = redaction.Redacts
		}
	}
	return seen
}

func (u *user) waitRoom(ctx context.Context, roomID id.RoomID, encrypted bool) error {
	return until("the room "+roomID.String(), func() (bool, error) {
		u.syncer.whole.RLock()
		defer u.syncer.whole.RUnlock()
		if !u.client.StateStore.IsInRoom(ctx, roomID, u.client.UserID) {
			return false, nil
		}
		known, err := u.client.StateStore.IsEncrypted(ctx, roomID)
		return known || !encrypted, err
	})
}

func (u *user) send(ctx context.Context, roomID id.RoomID, eventType string, content json.RawMessage) (id.EventID, error) {
	if err := u.waitRoom(ctx, roomID, false); err != nil {
		return "", err
	}
	sent, err := u.client.SendMessageEvent(ctx, roomID, event.Type{Type: eventType, Class: event.MessageEventType}, content)
	if err != nil {
		return "", err
	}
	return sent.EventID, nil
}

func (u *user) members(ctx context.Context, roomID id.RoomID) (map[id.UserID]event.Membership, error) {
	members, err := u.client.StateStore.GetAllMembers(ctx, roomID)
	memberships := make(map[id.UserID]event.Membership, len(members))
	for userID, member := range members {
		memberships[userID] = member.Membership
	}
	return memberships, err
}

func until(what string, condition func() (bool, error)) error {
	for range 600 {
		if met, err := condition(); met || err != nil {
			return err
		}
		time.Sleep(25 * time.Millisecond)
	}
	return fmt.Errorf("mautrix-go waited in vain for %s", what)
}
