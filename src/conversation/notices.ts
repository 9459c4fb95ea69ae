import type { Distrust } from "../policy/trust.ts";
import type { Unreadable } from "./reading.ts";
import { ProviderError, type ProviderFailure } from "../providers/provider.ts";

/**
 * Why a turn failed: a provider's reason, `waited` for one that was too long in the queue, `full` for one that found too
 * many in it, or `unknown` for any other error.
 */
export type TurnFailure = ProviderFailure | Unreadable | "waited" | "full" | "unknown";

/** What a notice about a failed turn is made of. */
export interface FailedTurn {
  readonly code: TurnFailure;
  /** The agent's display name. */
  readonly agentName: string;
  /** The provider's name of the model. */
  readonly model: string;
  /** The key under `providers:` in config.yaml, for the admin to recognise. */
  readonly providerName: string;
}

/** The code of whatever a turn threw. */
export function failureCode(error: unknown): TurnFailure {
  return error instanceof ProviderError ? error.code : "unknown";
}

/**
 * What people in the room read when a turn ended in failure: what happened, and what they or the admin can do. It
 * names the model and the provider by their names in the configuration, and never an address or an error's own words.
 */
export function describeFailure({ code, agentName, model, providerName }: FailedTurn): string {
  switch (code) {
    case "unreachable":
      return `${agentName} can't answer now: its model server “${providerName}” can't be reached. Please try again later; if this goes on, ask your admin whether it is running.`;
    case "model_missing":
      return `${agentName} can't answer: the model “${model}” is not installed on “${providerName}”. Please ask your admin to install it or to choose another.`;
    case "timeout":
      return `${agentName} took too long to answer. The model may still be loading, or the server is busy: please try again in a minute.`;
    case "cut_off":
      return `The connection to the model broke before ${agentName} had finished. Please send your message again.`;
    case "malformed":
      return `${agentName} got an answer that makes no sense from “${providerName}”. Please ask your admin to check its address in the configuration.`;
    case "refused":
      return `“${providerName}” could not run the model “${model}” for ${agentName}. Please try again; if this goes on, your admin finds the reason in the log.`;
    case "empty":
      return `${agentName} had nothing to say. Please try again, or put it in other words.`;
    case "cancelled":
      return `${agentName} stopped before it had finished. Send your message again to start over.`;
    case "cant_see":
      return `${agentName} can't look at pictures: its model “${model}” reads text alone. Please describe to it what is there, or ask your admin for an agent whose model sees.`;
    case "cant_read":
      return `${agentName} can't read this kind of file. It reads text and code, and pictures where its model sees them. Please send what matters so, and ask again.`;
    case "too_large":
      return `This file is too large for ${agentName}. Please send the part that matters again: 1 MB of text, or a picture of 20 MB, at the most.`;
    case "no_file":
      return `${agentName} could not open this file: it is not there any more, or it was changed on its way. Please send it again.`;
    case "waited":
      return `Your question had to wait so long that ${agentName} did not take it up any more. Please ask again if you still want an answer.`;
    case "full":
      return `${agentName} has many questions here to answer already and can't take another one now. Please ask again when they are answered.`;
    case "unknown":
      return `Something went wrong, and ${agentName} could not answer. Please try again; if this goes on, your admin finds the reason in the log.`;
  }
}

/**
 * What is said of a message whose key has not come. Asking a client for it does not help; sending the message again does.
 *
 * @param withheld The sender's client's own reason to keep the key back (spec "Reporting that decryption keys are
 * withheld"), if it gave one.
 */
export function describeMissingKey(agentName: string, withheld: string | undefined): string {
  switch (withheld) {
    case "m.unverified":
      return `${agentName} can't read this message: your app sends keys to verified devices only. Verify ${agentName} (or allow unverified devices in this room), then send the message again.`;
    case "m.blacklisted":
      return `${agentName} can't read this message: your app has blocked ${agentName}'s device. Unblock it, then send the message again.`;
    case "m.no_olm":
    case "m.unavailable":
    case "m.unauthorised":
      return `${agentName} can't read this message: your app could not hand over its key. Please send the message again.`;
    case undefined:
    default:
      return `${agentName} can't read this message yet: its key has not arrived. If no answer comes soon, please send it again; if that does not help, restart your app.`;
  }
}

/**
 * What is said to somebody whose device or identity is not trusted enough (MSC4153). It is readable on that device too.
 *
 * @param userId Who is meant.
 */
export function describeDistrust(agentName: string, userId: string, why: Distrust): string {
  switch (why) {
    case "not_encrypted":
      return `${agentName} did not read this message: it was not encrypted, in a room that is. Please send it again from an app that encrypts.`;
    case "unsigned_device":
      return `${agentName} did not read this message, because the device it came from has not been verified by ${userId}. Please verify this session in your app's security settings (or, where your app can't, write from one that is verified), then send the message again.`;
    case "identity_changed":
      return `${agentName} did not read this message: the encryption identity of ${userId} has changed. Please ask your admin to accept it, or verify ${agentName}, then send the message again.`;
    case "verified_identity_changed":
      return `${agentName} says nothing more here for now: the encryption identity of ${userId} was verified and has changed since. If ${userId} has reset it, please verify ${agentName} again; if not, somebody else may be writing in that name.`;
    case "unverified_identity":
      return `${agentName} did not read this message: it reads only what comes from people who have been verified. Please verify ${agentName} from your app, then send the message again.`;
  }
}

/** What is said in place of all answers while the agent's device is not signed by its identity. */
export function describeUnsignedAgent(agentName: string): string {
  return `${agentName} can't answer here: its own encryption identity is in other hands, so that nobody could be sure who is speaking. Please ask your admin to give it its recovery key, or a new identity.`;
}

/** What is said after a verification that the agent confirmed by itself. */
export function describeUnseenVerification(agentName: string): string {
  return `${agentName} confirmed this verification by itself: nobody compared the emoji on its side. To be sure, ask your admin for the fingerprint of ${agentName} and compare it with what your app shows.`;
}
