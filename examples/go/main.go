// An agent in one file, on gorilla/websocket:
//
//	go mod tidy
//	go run . ws://127.0.0.1:8080/ws/agent web-01
//
// The key is kept in HOST_ID.key, so that the agent is the same one after a restart. See docs/reference/protocol.md.
package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	mrand "math/rand"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

type envelope struct {
	ID        string            `json:"id"`
	Type      string            `json:"type"`
	Channel   string            `json:"channel"`
	Timestamp int64             `json:"timestamp"`
	Payload   string            `json:"payload"`
	Headers   map[string]string `json:"headers"`
}

type answer struct {
	RegistrationID    string  `json:"registration_id"`
	Nonce             string  `json:"nonce"`
	ServerTime        string  `json:"server_time"`
	AgentUID          string  `json:"agent_uid"`
	Status            string  `json:"status"`
	HeartbeatInterval float64 `json:"heartbeat_interval"`
	Code              string  `json:"code"`
	Detail            string  `json:"detail"`
	Fix               string  `json:"fix"`
}

type agent struct {
	hostID string
	key    ed25519.PrivateKey
	socket *websocket.Conn
}

// loadKey reads the key of this host; it is made once, readable by its owner alone.
func loadKey(path string) (ed25519.PrivateKey, error) {
	seed, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		seed = make([]byte, ed25519.SeedSize)
		if _, err = rand.Read(seed); err == nil {
			err = os.WriteFile(path, seed, 0o600)
		}
	}
	if err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s holds %d bytes, not %d", path, len(seed), ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// send writes one envelope in one text frame. gorilla allows one writer at a time: only run calls it.
func (a *agent) send(kind, channel string, payload map[string]string) error {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return err
	}
	text, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	return a.socket.WriteJSON(envelope{
		ID: fmt.Sprintf("%x", id), Type: kind, Channel: channel, Timestamp: time.Now().Unix(),
		Payload: base64.StdEncoding.EncodeToString(text), Headers: map[string]string{},
	})
}

// read delivers what the gateway sends until the connection ends, and then why it ended.
func (a *agent) read(messages chan<- envelope, ended chan<- error) {
	for {
		var message envelope
		if err := a.socket.ReadJSON(&message); err != nil {
			ended <- err
			return
		}
		messages <- message
	}
}

// run is one connection, from the first message to the close.
func (a *agent) run() error {
	messages, ended := make(chan envelope, 16), make(chan error, 1)
	go a.read(messages, ended)
	public := a.key.Public().(ed25519.PublicKey)
	err := a.send("request", "agent.registration", map[string]string{
		"org_id": "default-org", "host_id": a.hostID, "agent_pubkey": base64.StdEncoding.EncodeToString(public),
	})
	var beat <-chan time.Time
	for err == nil {
		select {
		case err = <-ended:
		case <-beat:
			err = a.send("heartbeat", "agent.heartbeat", map[string]string{})
		case message := <-messages:
			var interval time.Duration
			if interval, err = a.handle(message); interval > 0 {
				ticker := time.NewTicker(interval)
				defer ticker.Stop()
				beat = ticker.C
			}
		}
	}
	return err
}

// handle answers one message; it returns the heartbeat interval once the agent is registered.
func (a *agent) handle(message envelope) (time.Duration, error) {
	text, err := base64.StdEncoding.DecodeString(message.Payload)
	if err != nil {
		return 0, err
	}
	var said answer
	if len(text) > 0 {
		if err = json.Unmarshal(text, &said); err != nil {
			return 0, err
		}
	}
	switch {
	case message.Type == "error":
		log.Printf("error %s: %s. %s", said.Code, said.Detail, said.Fix)
	case message.Type == "response" && message.Channel == "agent.registration":
		signature := ed25519.Sign(a.key, []byte(said.Nonce+said.ServerTime+a.hostID))
		return 0, a.send("request", "agent.registration.complete", map[string]string{
			"registration_id": said.RegistrationID, "host_id": a.hostID,
			"signature": base64.StdEncoding.EncodeToString(signature),
		})
	case message.Type == "response" && message.Channel == "agent.registration.complete":
		log.Printf("registered as %s: %s", said.AgentUID, said.Status)
		return time.Duration(said.HeartbeatInterval * float64(time.Second)), nil
	}
	return 0, nil
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: go run . URL HOST_ID")
	}
	key, err := loadKey(os.Args[2] + ".key")
	if err != nil {
		log.Fatal(err)
	}
	for {
		socket, _, err := websocket.DefaultDialer.Dial(os.Args[1], nil)
		if err == nil {
			err = (&agent{hostID: os.Args[2], key: key, socket: socket}).run()
			socket.Close()
		}
		log.Printf("connection ended: %v", err)
		var closed *websocket.CloseError
		if errors.As(err, &closed) && closed.Code >= 4500 && closed.Code < 5000 {
			log.Fatal("the gateway says: do not come back")
		}
		time.Sleep(time.Duration((2.5 + 5*mrand.Float64()) * float64(time.Second)))
	}
}
