import { objectOf } from '../../core/json.ts';
import { AppError, toAppError } from '../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { SourceIo } from '../define.ts';
import { takeEvent } from './deliver.ts';
import { commandOf, eventOf, ignored } from './message.ts';
import type { ChatEvent } from './message.ts';
import { secretText } from '../secret-text.ts';
import { settingsOf } from './settings.ts';
import { callSlack } from './slack-api.ts';

const openMs = 10_000;
/** Slack sends a sign of life every few seconds. */
const idleMs = 45_000;
/** In work at once; Slack sends again what is not acknowledged. */
const mostInWork = 50;

/** A connection that has said hello. */
interface Line {
  /** refresh: Slack asks for another connection in its place; else why it ended. */
  readonly end: Promise<'refresh' | { readonly lost: string }>;
  /** Resolves when what is in work is acknowledged. */
  close(): Promise<void>;
}

/**
 * Takes the events of the app over a connection that this side opens (Socket Mode), until it is told to stop. Another connection takes
 * the place of one that Slack is about to end before that ends. Rejects with what is wrong.
 */
export async function runSocketMode(io: SourceIo): Promise<void> {
  const { signal } = io;
  let line = await openLine(io);
  try {
    await io.works();
    for (;;) {
      const end = await line.end;
      if (signal.aborted) return;
      if (end !== 'refresh') throw ended(end.lost);
      const next = await openLine(io);
      await line.close();
      line = next;
    }
  } finally {
    await line.close();
  }
}

function ended(reason: string): AppError {
  if (reason !== 'link_disabled') return new AppError('Unreachable', `the connection to Slack ended: ${reason}`);
  return new AppError('InvalidResource', 'Slack ended the connection: Socket Mode is off for this app', {
    next: 'turn Socket Mode on in the settings of the app',
  });
}

/** Opens a connection and waits for its hello. */
async function openLine(io: SourceIo): Promise<Line> {
  const stopping = new AbortController();
  const hello = Promise.withResolvers<void>();
  const end = Promise.withResolvers<'refresh' | { readonly lost: string }>();
  const inWork = new Set<Promise<void>>();
  // Until it is open; then what is in work is acknowledged first.
  const cancel = (): void => stopping.abort();
  io.signal.addEventListener('abort', cancel, { once: true });
  const socket = await io.http
    .open({ url: await connectionUrl(io), timeoutMs: openMs, idleMs, onText: take, signal: stopping.signal })
    .finally(() => io.signal.removeEventListener('abort', cancel));

  function take(text: string): void {
    const { type, reason, ...envelope } = parsed(text);
    if (type === 'hello') hello.resolve();
    else if (type === 'disconnect') leave(typeof reason === 'string' ? reason : '');
    else if (typeof envelope['envelope_id'] === 'string' && inWork.size < mostInWork) {
      const work: Promise<void> = acknowledge(io, type, envelope, (answer) => socket.send(answer)).finally(() =>
        inWork.delete(work),
      );
      inWork.add(work);
    }
  }
  function leave(reason: string): void {
    end.resolve(reason === 'warning' || reason === 'refresh_requested' ? 'refresh' : { lost: reason });
    hello.reject(ended(reason));
  }

  void socket.ended.then(leaveFor);
  function leaveFor(reason: string): void {
    end.resolve({ lost: reason });
    hello.reject(ended(reason));
  }
  const stop = (): void => leaveFor('stopped');
  io.signal.addEventListener('abort', stop, { once: true });
  if (io.signal.aborted) stop();
  const late = setTimeout(() => leaveFor(`no hello within ${openMs / 1000} s`), openMs);
  const close = async (): Promise<void> => {
    io.signal.removeEventListener('abort', stop);
    await Promise.all(inWork);
    socket.close();
  };
  try {
    await hello.promise;
  } catch (thrown) {
    await close();
    throw thrown;
  } finally {
    clearTimeout(late);
  }
  return { end: end.promise, close };
}

/** Where Slack wants the connection: a new address for each. */
async function connectionUrl({ http, secrets, source, signal }: SourceIo): Promise<string> {
  const { namespace } = source();
  const { appToken, endpoint } = settingsOf(source());
  if (appToken === null) throw new Error('a Source without appToken opens no connection');
  const token = secretText(secrets, namespace, appToken);
  const { url } = await callSlack(http, {
    endpoint,
    method: 'apps.connections.open',
    token,
    timeoutMs: openMs,
    signal,
  });
  if (typeof url === 'string' && /^wss?:/.test(url) && (url.startsWith('wss:') || endpoint.startsWith('http:')))
    return url;
  throw new AppError('Unreachable', 'Slack named no address for the connection');
}

/** Takes an envelope and says so once it is stored; else Slack sends it again. */
async function acknowledge(
  io: SourceIo,
  type: JsonValue | undefined,
  envelope: JsonObject,
  send: (text: string) => void,
): Promise<void> {
  const { envelope_id, accepts_response_payload: accepts } = envelope;
  try {
    const event = envelopeEvent(type, objectOf(envelope['payload']));
    const answer = event.kind === 'challenge' ? null : await takeEvent(io.source(), event, io);
    send(JSON.stringify({ envelope_id, ...(answer !== null && accepts === true ? { payload: answer } : {}) }));
  } catch (thrown) {
    const { code, message } = toAppError(thrown);
    io.metrics.increment('fist_chat_messages_total', { source: io.source().name, outcome: code });
    io.log.warn({ error: thrown }, `what Slack sent was not taken: ${message}`);
  }
}

function envelopeEvent(type: JsonValue | undefined, payload: JsonObject): ChatEvent {
  if (type === 'events_api') return eventOf(payload);
  if (type === 'slash_commands') return commandOf(payload);
  return ignored(type === 'interactive' ? 'Interaction' : 'OtherEvent');
}

function parsed(text: string): JsonObject {
  try {
    return objectOf(JSON.parse(text) as JsonValue);
  } catch {
    return {};
  }
}
