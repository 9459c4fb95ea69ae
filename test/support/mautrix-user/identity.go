package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/backup"
	"maunium.net/go/mautrix/crypto/ssss"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// keyBackup is the backup of room keys that a device writes to.
type keyBackup struct {
	version id.KeyBackupVersion
	key     *backup.MegolmBackupKey
}

// setUpIdentity signs the device: by the identity that the recovery key opens or, without one, by a new identity.
func (u *user) setUpIdentity(ctx context.Context, login arguments) error {
	if login.Unsigned {
		return nil
	}
	if login.RecoveryKey != "" {
		u.recoveryKey = login.RecoveryKey
		return u.machine.VerifyWithRecoveryKey(ctx, login.RecoveryKey)
	}
	recoveryKey, _, err := u.machine.GenerateAndUploadCrossSigningKeysWithPassword(ctx, login.Password, "")
	if err != nil {
		return err
	}
	u.recoveryKey = recoveryKey
	if err = u.machine.SignOwnDevice(ctx, u.machine.OwnIdentity()); err != nil {
		return err
	}
	if err = u.machine.SignOwnMasterKey(ctx); err != nil {
		return err
	}
	return u.beginBackup(ctx)
}

// beginBackup makes a backup, keeps its key in secret storage, and from then on puts every room key into it.
func (u *user) beginBackup(ctx context.Context) error {
	key, err := backup.NewMegolmBackupKey()
	if err != nil {
		return err
	}
	made, err := u.client.CreateKeyBackupVersion(ctx, &mautrix.ReqRoomKeysVersionCreate[backup.MegolmAuthData]{
		Algorithm: id.KeyBackupAlgorithmMegolmBackupV1,
		AuthData:  backup.MegolmAuthData{PublicKey: publicKey(key)},
	})
	if err != nil {
		return err
	}
	secretStorage, err := u.secretStorageKey(ctx)
	if err != nil {
		return err
	}
	if err = u.machine.SSSS.SetEncryptedAccountData(ctx, event.AccountDataMegolmBackupKey, key.Bytes(), secretStorage); err != nil {
		return err
	}
	u.backup = &keyBackup{version: made.Version, key: key}
	u.machine.SessionReceived = func(ctx context.Context, roomID id.RoomID, sessionID id.SessionID, _ uint32) {
		if err := u.backUp(ctx, roomID, sessionID); err != nil {
			fmt.Fprintln(os.Stderr, "a room key could not be backed up:", err)
		}
	}
	return nil
}

func (u *user) backUp(ctx context.Context, roomID id.RoomID, sessionID id.SessionID) error {
	session, err := u.machine.CryptoStore.GetGroupSession(ctx, roomID, sessionID)
	if err != nil {
		return err
	}
	first := session.Internal.FirstKnownIndex()
	exported, err := session.Internal.Export(first)
	if err != nil {
		return err
	}
	sealed, err := backup.EncryptSessionData(u.backup.key, backup.MegolmSessionData{
		Algorithm:          id.AlgorithmMegolmV1,
		ForwardingKeyChain: session.ForwardingChains,
		SenderClaimedKeys:  backup.SenderClaimedKeys{Ed25519: session.SigningKey},
		SenderKey:          session.SenderKey,
		SessionKey:         string(exported),
	})
	if err != nil {
		return err
	}
	data, err := json.Marshal(sealed)
	if err != nil {
		return err
	}
	_, err = u.client.PutKeysInBackupForRoomAndSession(ctx, u.backup.version, roomID, sessionID, &mautrix.ReqKeyBackupData{
		FirstMessageIndex: int(first),
		SessionData:       data,
	})
	return err
}

// restoreBackup reads the backup in with the key from secret storage; the number of its keys.
func (u *user) restoreBackup(ctx context.Context) (int, error) {
	secretStorage, err := u.secretStorageKey(ctx)
	if err != nil {
		return 0, err
	}
	secret, err := u.machine.SSSS.GetDecryptedAccountData(ctx, event.AccountDataMegolmBackupKey, secretStorage)
	if err != nil {
		return 0, err
	}
	key, err := backup.MegolmBackupKeyFromBytes(secret)
	if err != nil {
		return 0, err
	}
	if _, err = u.machine.DownloadAndStoreLatestKeyBackup(ctx, key); err != nil {
		return 0, err
	}
	sessions, err := u.machine.CryptoStore.GetAllGroupSessions(ctx).AsList()
	return len(sessions), err
}

func (u *user) secretStorageKey(ctx context.Context) (*ssss.Key, error) {
	keyID, metadata, err := u.machine.SSSS.GetDefaultKeyData(ctx)
	if err != nil {
		return nil, err
	}
	return metadata.VerifyRecoveryKey(keyID, u.recoveryKey)
}

// readEvent is the body of an event, fetched and decrypted.
func (u *user) readEvent(ctx context.Context, roomID id.RoomID, eventID id.EventID) (string, error) {
	evt, err := u.client.GetEvent(ctx, roomID, eventID)
	if err != nil {
		return "", err
	}
	if err = evt.Content.ParseRaw(evt.Type); err != nil {
		return "", err
	}
	evt.Type.Class = event.MessageEventType
	if evt.Type == event.EventEncrypted {
		if evt, err = u.client.Crypto.Decrypt(ctx, evt); err != nil {
			return "", err
		}
	}
	return evt.Content.AsMessage().Body, nil
}

func (u *user) isVerified(ctx context.Context, userID id.UserID) (bool, error) {
	return u.machine.IsUserTrusted(ctx, userID)
}

// deviceTrust asks the server for somebody's devices, as a client does before it makes a room with them.
func (u *user) deviceTrust(ctx context.Context, userID id.UserID) ([]map[string]any, error) {
	devices, err := u.machine.FetchKeys(ctx, []id.UserID{userID}, true)
	if err != nil {
		return nil, err
	}
	trust := []map[string]any{}
	for deviceID, device := range devices[userID] {
		state, err := u.machine.ResolveTrustContext(ctx, device)
		if err != nil {
			return nil, err
		}
		trust = append(trust, map[string]any{"deviceId": deviceID, "signedByOwner": isSigned(state)})
	}
	return trust, nil
}

// shield is the warning beside a message: none where its device is signed by its owner.
func (u *user) shield(eventID id.EventID) map[string]any {
	u.lock.Lock()
	state, known := u.trust[eventID]
	u.lock.Unlock()
	switch {
	case !known:
		return nil
	case isSigned(state):
		return map[string]any{"colour": "none", "reason": nil}
	case state == id.TrustStateBackup:
		return map[string]any{"colour": "grey", "reason": state.String()}
	default:
		return map[string]any{"colour": "red", "reason": state.String()}
	}
}

func isSigned(state id.TrustState) bool {
	switch state {
	case id.TrustStateVerified, id.TrustStateCrossSignedVerified, id.TrustStateCrossSignedTOFU, id.TrustStateCrossSignedUntrusted:
		return true
	}
	return false
}

func publicKey(key *backup.MegolmBackupKey) id.Ed25519 {
	return id.Ed25519(base64.RawStdEncoding.EncodeToString(key.PublicKey().Bytes()))
}
