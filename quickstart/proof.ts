import { EventTimeline, EventType, type MatrixClient, type MatrixEvent } from "matrix-js-sdk";
import { EventShieldColour, EventShieldReason } from "matrix-js-sdk/lib/crypto-api/index.js";
import { QuickstartError } from "./errors.ts";
import type { Told } from "./transcript.ts";

/** The exchange as the person's own client saw it; nothing of it relies on the bridge's word. */
export interface Evidence {
  readonly roomId: string;
  /** The algorithm in the room's `m.room.encryption`; undefined when the room is not encrypted. */
  readonly roomAlgorithm: string | undefined;
  /** The algorithms the two messages travelled with; undefined when one was sent in clear. */
  readonly questionAlgorithm: string | undefined;
  readonly answerAlgorithm: string | undefined;
  readonly sender: string;
  /** The sender's device whose keys encrypted the answer; undefined when they belong to no device of the sender's. */
  readonly device: string | undefined;
  /** Whether the sender's own cross-signing identity has signed that device. */
  readonly signedByOwner: boolean;
  /** Why the client would show a warning beside the answer; undefined when it would not. */
  readonly warning: string | undefined;
}

/** The client that has seen an exchange. */
export interface Witness {
  /** The facts about a question and about an event that brought the answer, or a part of it, in its final form. */
  evidence(questionId: string, answerId: string): Promise<Evidence>;
}

/**
 * The line that proves an answer, or the lines where its parts differ. Throws {@link QuickstartError} with the fault
 * that it found.
 */
export async function proofOf(witness: Witness, questionId: string, parts: readonly Told[]): Promise<string> {
  const evidence = await Promise.all(parts.map(({ message }) => witness.evidence(questionId, message.formId)));
  return [...new Set(evidence.map(proofLine))].join("\n");
}

/** Gathers what the person's client knows of a question and its answer. */
export async function gatherEvidence(
  client: MatrixClient,
  { roomId, partnerId }: { readonly roomId: string; readonly partnerId: string },
  questionId: string,
  answerId: string,
): Promise<Evidence> {
  const crypto = client.getCrypto();
  const room = client.getRoom(roomId);
  const answer = room?.findEventById(answerId);
  if (crypto === undefined || room == null || answer === undefined) {
    throw new Error("the client has no crypto or does not know the answer");
  }
  const encryption = room
    .getLiveTimeline()
    .getState(EventTimeline.FORWARDS)
    ?.getStateEvents(EventType.RoomEncryption, "")
    ?.getContent();
  const enabled = await crypto.isEncryptionEnabledInRoom(roomId);

  const devices = (await crypto.getUserDeviceInfo([partnerId], true)).get(partnerId);
  const device = [...(devices?.values() ?? [])].find((known) => known.getIdentityKey() === answer.getSenderKey());
  const status = device && (await crypto.getDeviceVerificationStatus(partnerId, device.deviceId));
  const shield = await crypto.getEncryptionInfoForEvent(answer);
  const warned = shield?.shieldColour !== EventShieldColour.NONE;
  return {
    roomId,
    roomAlgorithm: enabled ? algorithmIn(encryption) : undefined,
    questionAlgorithm: algorithmOf(room.findEventById(questionId)),
    answerAlgorithm: algorithmOf(answer),
    sender: answer.getSender() ?? "",
    device: device?.deviceId,
    signedByOwner: status?.signedByOwner === true,
    warning: warned ? EventShieldReason[shield?.shieldReason ?? EventShieldReason.UNKNOWN] : undefined,
  };
}

/** The line that says that it is all true. Throws {@link QuickstartError} with the part that is not. */
export function proofLine(evidence: Evidence): string {
  const { roomId, roomAlgorithm, sender, device } = evidence;
  const broken = [
    roomAlgorithm === undefined && "the room is not encrypted",
    evidence.questionAlgorithm === undefined && "the question was sent in clear",
    evidence.answerAlgorithm === undefined && "the answer was sent in clear",
    device === undefined && `the answer was encrypted by no known device of ${sender}`,
    !evidence.signedByOwner && `the agent's device is not signed by ${sender}`,
    evidence.warning !== undefined && `the client warns of the answer (${evidence.warning})`,
  ].filter((reason) => reason !== false);
  if (broken.length > 0) throw new QuickstartError(`not end-to-end encrypted as it should be: ${broken.join("; ")}`);
  return (
    `proof: room ${roomId}: encrypted with ${roomAlgorithm ?? ""} · agent's device ${device ?? ""} · ` +
    `signed by its owner ${sender} (cross-signed)`
  );
}

function algorithmOf(event: MatrixEvent | undefined): string | undefined {
  return event?.isEncrypted() === true && !event.isDecryptionFailure()
    ? algorithmIn(event.getWireContent())
    : undefined;
}

function algorithmIn(content: object | undefined): string | undefined {
  return content !== undefined && "algorithm" in content && typeof content.algorithm === "string"
    ? content.algorithm
    : undefined;
}
