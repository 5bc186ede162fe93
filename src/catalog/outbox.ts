import { randomUUID } from "node:crypto";
import type { Session, SessionId } from "../domain/session.ts";
import type { Connection } from "./open.ts";
import type { SessionRow } from "./sessions.ts";
import { COLUMNS, sessionIn } from "./sessions.ts";

/** What people are told of a session, once each. */
export type MessageEvent = "gallery-open" | "gallery-complete" | "link-ends" | "trouble";

interface MessageRow extends SessionRow {
  message: number;
  key: string;
  event: MessageEvent;
  words: string;
}

/** A message that waits for its recipient. */
export interface WaitingMessage {
  readonly id: number;
  /** Random; the same whenever it is sent again. */
  readonly key: string;
  readonly event: MessageEvent;
  /** What to say, without the link. */
  readonly words: string;
  readonly session: Session;
}

/** A message that somebody has not got, as far as is known. */
export interface UnsentMessage {
  readonly session: string;
  readonly label: string;
  readonly event: MessageEvent;
  readonly recipient: string;
  readonly state: "waiting" | "given-up";
  /** How often it may have been taken. */
  readonly unanswered: number;
  /** Why it was given up. */
  readonly reason: string | null;
}

/** Why nobody is told of a gallery that was revoked before. */
export const REVOKED_MEANWHILE = "Its gallery was revoked.";

/** Messages to people: written down with the fact they tell, and taken as sent only when a provider has them. */
export function outbox(connection: Connection) {
  const has = connection
    .prepare<[number, string]>("SELECT 1 FROM message WHERE session = ? AND event = ? LIMIT 1")
    .pluck();
  const put = connection.prepare<[string, number, string, string, string, string]>(
    `INSERT INTO message (key, session, event, occasion, recipient, words) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (session, event, occasion, recipient) DO NOTHING`,
  );
  const next = connection.prepare<[string], MessageRow>(
    `SELECT message, key, event, words, ${COLUMNS} FROM session JOIN (
         SELECT id AS message, key, event, words, session FROM message WHERE recipient = ? AND state = 'waiting'
           ORDER BY id LIMIT 1
       ) ON session = session.id`,
  );
  const goOut = connection
    .prepare<[number], number>(
      "UPDATE message SET unanswered = unanswered + 1 WHERE id = ? RETURNING unanswered",
    )
    .pluck();
  const comeBack = connection.prepare<[number]>(
    "UPDATE message SET unanswered = unanswered - 1 WHERE id = ? AND unanswered > 0",
  );
  const sent = connection.prepare<[string | null, number]>(
    "UPDATE message SET state = 'sent', receipt = ? WHERE id = ? AND state = 'waiting'",
  );
  const giveUp = connection.prepare<[string, number]>(
    "UPDATE message SET state = 'given-up', reason = ? WHERE id = ? AND state = 'waiting'",
  );
  const ofSession = connection.prepare<
    [number],
    { event: MessageEvent; state: string; reason: string | null }
  >("SELECT event, state, reason FROM message WHERE session = ? ORDER BY id");
  const unsent = connection.prepare<[string, number], UnsentMessage>(
    `SELECT session.name AS session, label, event, recipient, message.state AS state, unanswered, reason
       FROM message JOIN session ON session.id = message.session
       WHERE message.state = 'waiting' OR message.state = 'given-up' AND reason <> ?
         AND session.id IN (SELECT id FROM session ORDER BY id DESC LIMIT ?)
       ORDER BY message.id`,
  );

  return {
    /** Runs several writes as one: all of them are durable when it returns, or none. */
    together: (run: () => void): void => connection.transaction(run).immediate(),

    hasMessage: (session: SessionId, event: MessageEvent): boolean => has.get(session, event) === 1,

    /** Writes an event of a session down for these recipients, for each of them only the first time on this occasion. */
    putMessages(
      session: SessionId,
      event: MessageEvent,
      words: string,
      recipients: readonly string[],
      occasion = "",
    ): void {
      for (const recipient of recipients) put.run(randomUUID(), session, event, occasion, recipient, words);
    },

    /** The oldest message that waits for a recipient. */
    nextMessage(recipient: string): WaitingMessage | null {
      const row = next.get(recipient);
      if (row === undefined) return null;
      const { message, key, event, words } = row;
      return { id: message, key, event, words, session: sessionIn(row) };
    },

    /** Must be called before a message leaves. Returns how often it has left without an answer, this time included. */
    goesOut: (id: number): number => Number(goOut.get(id)),

    /** The answer came: it was not taken that time. */
    notTaken: (id: number): void => void comeBack.run(id),

    /** The provider has it; `receipt` is what it calls it. */
    messageSent: (id: number, receipt: string | null): void => void sent.run(receipt, id),

    giveUp: (id: number, reason: string): void => void giveUp.run(reason, id),

    /** What waits, and what was given up of the last so many sessions, oldest first. */
    unsentMessages: (sessions: number): readonly UnsentMessage[] => unsent.all(REVOKED_MEANWHILE, sessions),

    /** What became of the messages of a session, oldest first. */
    messagesOf: (session: SessionId) => ofSession.all(session),
  };
}
