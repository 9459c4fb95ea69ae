package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.mau.fi/util/jsontime"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/verificationhelper"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// verifications runs mautrix-go's helper, which is made for to-device messages. In rooms it takes the id of each event for
// the transaction's, encrypts its request twice, and listens to its own events; and it compares the wrong keys when the
// other side says first that the emoji are the same. So it gets a client of its own here, whose events come corrected and
// in that order, and requests in rooms are sent for it.
type verifications struct {
	user   *user
	client *mautrix.Client
	inbox  *mautrix.DefaultSyncer
	store  *verificationhelper.InMemoryVerificationStore
	helper *verificationhelper.VerificationHelper
	// inClear is whether events in encrypted rooms are sent in clear.
	inClear atomic.Bool

	// lock holds back what comes in until what goes out is remembered.
	lock sync.Mutex

	underWay sync.Map // id.VerificationTransactionID → *verification
	last     atomic.Pointer[verification]
}

// verification is one that this user has asked for. Each channel gets one value at the most.
type verification struct {
	id    id.VerificationTransactionID
	ready chan struct{}
	emoji chan []string
	end   chan end

	// confirmed is whether this user has said that the emoji are the same; the other side's word waits for that.
	confirmed bool
	waiting   *event.Event
}

func newVerification() *verification {
	return &verification{ready: make(chan struct{}, 1), emoji: make(chan []string, 1), end: make(chan end, 2)}
}

type end struct {
	Done      bool   `json:"done"`
	Cancelled string `json:"cancelled,omitempty"`
}

// inRoomOrToDevice are the steps of a verification after its request.
var inRoomOrToDevice = [][2]event.Type{
	{event.InRoomVerificationReady, event.ToDeviceVerificationReady},
	{event.InRoomVerificationStart, event.ToDeviceVerificationStart},
	{event.InRoomVerificationAccept, event.ToDeviceVerificationAccept},
	{event.InRoomVerificationKey, event.ToDeviceVerificationKey},
	{event.InRoomVerificationMAC, event.ToDeviceVerificationMAC},
	{event.InRoomVerificationDone, event.ToDeviceVerificationDone},
	{event.InRoomVerificationCancel, event.ToDeviceVerificationCancel},
}

func newVerifications(ctx context.Context, u *user) (*verifications, error) {
	client, err := mautrix.NewClient(u.client.HomeserverURL.String(), u.client.UserID, u.client.AccessToken)
	if err != nil {
		return nil, err
	}
	v := &verifications{
		user:   u,
		client: client,
		inbox:  mautrix.NewDefaultSyncer(),
		store:  verificationhelper.NewInMemoryVerificationStore(),
	}
	client.DeviceID = u.client.DeviceID
	client.Log = u.client.Log
	client.Crypto = u.client.Crypto
	client.Syncer = v.inbox
	client.StateStore = &inClearAtWill{StateStore: u.client.StateStore, inClear: &v.inClear}
	v.helper = verificationhelper.NewVerificationHelper(client, u.machine, v.store, v, false, true, true)
	if err = v.helper.Init(ctx); err != nil {
		return nil, err
	}
	synced := u.client.Syncer.(mautrix.ExtensibleSyncer)
	for _, step := range inRoomOrToDevice {
		synced.OnEventType(step[0], v.receive)
		synced.OnEventType(step[1], v.receive)
	}
	return v, nil
}

func (v *verifications) receive(ctx context.Context, evt *event.Event) {
	if evt.Sender == v.client.UserID {
		return
	}
	corrected := *evt
	if relation, ok := evt.Content.Parsed.(event.Relatable); ok && evt.RoomID != "" {
		corrected.ID = relation.OptionalGetRelatesTo().GetReferenceID()
	}
	v.lock.Lock()
	defer v.lock.Unlock()
	if evt.Type == event.InRoomVerificationMAC || evt.Type == event.ToDeviceVerificationMAC {
		if known := v.of(transactionOf(&corrected)); !known.confirmed {
			known.waiting = &corrected
			return
		}
	}
	v.inbox.Dispatch(ctx, &corrected)
}

func transactionOf(evt *event.Event) id.VerificationTransactionID {
	if evt.ID != "" {
		return id.VerificationTransactionID(evt.ID)
	}
	return evt.Content.AsVerificationMAC().GetTransactionID()
}

// bySAS asks for a verification and begins it by emoji; the emoji that are shown.
func (v *verifications) bySAS(ctx context.Context, whom arguments) ([]string, error) {
	asked, err := v.ask(ctx, whom)
	if err != nil {
		return nil, err
	}
	v.lock.Lock()
	err = v.helper.StartSAS(ctx, asked.id)
	v.lock.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case emoji := <-asked.emoji:
		return emoji, nil
	case ended := <-asked.end:
		return nil, fmt.Errorf("cancelled: %s", ended.Cancelled)
	case <-tooLong():
		return nil, errors.New("no emoji came")
	}
}

func (v *verifications) finishSAS(ctx context.Context, match bool) (end, error) {
	last := v.last.Load()
	if last == nil {
		return end{}, errors.New("no verification is under way")
	}
	v.lock.Lock()
	var err error
	if match {
		err = v.helper.ConfirmSAS(ctx, last.id)
		last.confirmed = true
		if last.waiting != nil {
			v.inbox.Dispatch(ctx, last.waiting)
		}
	} else {
		err = v.helper.CancelVerification(ctx, last.id, event.VerificationCancelCodeSASMismatch, "the emoji differ")
		last.end <- end{Cancelled: string(event.VerificationCancelCodeSASMismatch)}
	}
	v.lock.Unlock()
	if errors.Is(err, verificationhelper.ErrUnknownVerificationTransaction) {
		err = nil // It was ended by the other side; how is said below.
	}
	if err != nil {
		return end{}, err
	}
	return last.ended()
}

// scan asks for a verification or, with a code, scans what the other side shows.
func (v *verifications) scan(ctx context.Context, whom arguments) error {
	if whom.Code == nil {
		_, err := v.ask(ctx, whom)
		return err
	}
	v.lock.Lock()
	defer v.lock.Unlock()
	return v.helper.HandleScannedQRData(ctx, whom.Code)
}

func (v *verifications) finishScan() (end, error) {
	last := v.last.Load()
	if last == nil {
		return end{}, errors.New("nothing was scanned")
	}
	return last.ended()
}

func (v *verification) ended() (end, error) {
	select {
	case how := <-v.end:
		return how, nil
	case <-tooLong():
		return end{}, errors.New("the verification did not end")
	}
}

// ask sends a request, in a room or to all devices, and waits until it was accepted.
func (v *verifications) ask(ctx context.Context, whom arguments) (*verification, error) {
	asked := newVerification()
	// Nothing can be checked against keys that were never fetched.
	if _, err := v.user.machine.FetchKeys(ctx, []id.UserID{whom.UserID}, true); err != nil {
		return nil, err
	}
	v.lock.Lock()
	var err error
	if whom.RoomID == "" {
		asked.id, err = v.helper.StartVerification(ctx, whom.UserID)
	} else {
		v.inClear.Store(whom.InClear)
		asked.id, err = v.askInRoom(ctx, whom)
	}
	v.underWay.Store(asked.id, asked)
	v.last.Store(asked)
	v.lock.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case <-asked.ready:
		return asked, nil
	case ended := <-asked.end:
		return nil, fmt.Errorf("cancelled: %s", ended.Cancelled)
	case <-tooLong():
		return nil, errors.New("nobody was ready")
	}
}

func (v *verifications) askInRoom(ctx context.Context, whom arguments) (id.VerificationTransactionID, error) {
	sent, err := v.client.SendMessageEvent(ctx, whom.RoomID, event.EventMessage, &event.MessageEventContent{
		MsgType:    event.MsgVerificationRequest,
		Body:       "A verification is asked for, which this client does not know.",
		FromDevice: v.client.DeviceID,
		Methods: []event.VerificationMethod{
			event.VerificationMethodSAS, event.VerificationMethodQRCodeScan, event.VerificationMethodReciprocate,
		},
		To: whom.UserID,
	})
	if err != nil {
		return "", err
	}
	transaction := id.VerificationTransactionID(sent.EventID)
	return transaction, v.store.SaveVerificationTransaction(ctx, verificationhelper.VerificationTransaction{
		ExpirationTime: jsontime.UM(time.Now().Add(10 * time.Minute)),
		RoomID:         whom.RoomID,
		TransactionID:  transaction,
		TheirUserID:    whom.UserID,
	})
}

func (v *verifications) of(transaction id.VerificationTransactionID) *verification {
	found, ok := v.underWay.Load(transaction)
	if !ok {
		return newVerification() // Nobody waits for its channels.
	}
	return found.(*verification)
}

// The helper's callbacks.

func (v *verifications) VerificationRequested(context.Context, id.VerificationTransactionID, id.UserID, id.DeviceID) {
}

func (v *verifications) VerificationReady(_ context.Context, transaction id.VerificationTransactionID, _ id.DeviceID, _, _ bool, _ *verificationhelper.QRCode) {
	v.of(transaction).ready <- struct{}{}
}

func (v *verifications) ShowSAS(_ context.Context, transaction id.VerificationTransactionID, emoji []rune, _ []string, _ []int) {
	symbols := make([]string, len(emoji))
	for index, symbol := range emoji {
		symbols[index] = string(symbol)
	}
	v.of(transaction).emoji <- symbols
}

func (v *verifications) VerificationCancelled(_ context.Context, transaction id.VerificationTransactionID, code event.VerificationCancelCode, _ string) {
	v.of(transaction).end <- end{Cancelled: string(code)}
}

func (v *verifications) VerificationDone(_ context.Context, transaction id.VerificationTransactionID, _ event.VerificationMethod) {
	v.of(transaction).end <- end{Done: true}
}

// inClearAtWill says of rooms that they are not encrypted while events are to be sent in clear.
type inClearAtWill struct {
	mautrix.StateStore
	inClear *atomic.Bool
}

func (s *inClearAtWill) IsEncrypted(ctx context.Context, roomID id.RoomID) (bool, error) {
	if s.inClear.Load() {
		return false, nil
	}
	return s.StateStore.IsEncrypted(ctx, roomID)
}

func tooLong() <-chan time.Time {
	return time.After(20 * time.Second)
}
