// An agent in one file and without any package: Node 22 or newer has a WebSocket and Ed25519 built in.
//
//     node agent.mjs ws://127.0.0.1:8080/ws/agent web-01 [seconds between heartbeats]
//
// The key is kept in HOST_ID.pem, so that the agent is the same one after a restart. See docs/reference/protocol.md.

import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const [url, hostId, beat] = process.argv.slice(2);
if (!url || !hostId) {
  console.error("usage: node agent.mjs URL HOST_ID [SECONDS]");
  process.exit(2);
}

const keyFile = `${hostId}.pem`;
if (!existsSync(keyFile)) {
  const pair = generateKeyPairSync("ed25519");
  writeFileSync(keyFile, pair.privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" });
}
const privateKey = createPrivateKey(readFileSync(keyFile));
// The gateway wants the raw 32 bytes: the last 32 of the DER form.
const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "der" }).subarray(-32).toString("base64");

const envelope = (type, channel, payload) =>
  JSON.stringify({
    id: randomUUID(),
    type,
    channel,
    timestamp: Math.floor(Date.now() / 1000),
    payload: Buffer.from(JSON.stringify(payload)).toString("base64"),
    headers: {},
  });

function connectOnce() {
  return new Promise((ended) => {
    const socket = new WebSocket(url);
    let heartbeats;
    const send = (type, channel, payload) => socket.send(envelope(type, channel, payload));

    const answers = {
      "agent.registration": ({ registration_id, nonce, server_time }) => {
        const signature = sign(null, Buffer.from(nonce + server_time + hostId), privateKey).toString("base64");
        send("request", "agent.registration.complete", { registration_id, host_id: hostId, signature });
      },
      "agent.registration.complete": ({ agent_uid, status, heartbeat_interval }) => {
        console.log(`registered as ${agent_uid}: ${status}`);
        const pulse = () => send("heartbeat", "agent.heartbeat", {});
        pulse();
        heartbeats = setInterval(pulse, 1000 * (Number(beat) || heartbeat_interval));
      },
    };

    socket.onopen = () => {
      console.log("Connected!");
      send("request", "agent.registration", { org_id: "default-org", host_id: hostId, agent_pubkey: publicKey });
    };
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      const payload = JSON.parse(Buffer.from(message.payload, "base64").toString() || "{}");
      if (message.type === "error") console.log(`error ${payload.code}: ${payload.detail}. ${payload.fix}`);
      else if (message.type === "ack") console.log(`ack ${payload.server_time}`);
      else answers[message.channel]?.(payload);
    };
    socket.onerror = () => {}; // onclose follows, and tells more
    socket.onclose = ({ code, reason }) => {
      clearInterval(heartbeats);
      console.log(`Connection closed: ${code} - ${reason}`);
      ended(code);
    };
  });
}

for (;;) {
  const code = await connectOnce();
  if (code >= 4500 && code < 5000) break; // the gateway says: do not come back
  await sleep(5000 * (0.5 + Math.random()));
}
