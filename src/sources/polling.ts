import type { z } from 'zod';
import type { AlertItem } from '../core/alert.ts';
import type { SecretReference } from '../core/catalog.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { Notification } from '../core/event.ts';
import type { HttpResponse } from '../core/ports.ts';
import { toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { backOffMs } from '../lib/back-off.ts';
import { parseDuration } from '../lib/duration.ts';
import { retryAfterMs } from '../lib/retry-after.ts';
import { eventLoopTurns } from '../lib/turns.ts';
import { compileAuthentication } from './authentication/index.ts';
import type { authentication } from './authentication/index.ts';
import type { SourceIo } from './define.ts';
import { receiveNotification } from './notification.ts';
import type { NotificationSettings } from './notification.ts';
import { compileReading } from './webhook.ts';
import type { ReadingConfig } from './webhook.ts';
import { secretText } from './secret-text.ts';

/** An endpoint that is asked again and again. */
export interface Polling {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly intervalMs: number;
  /** Sent as `Authorization: Bearer`; null = nothing. */
  readonly secret: SecretReference | null;
  readonly reading: NotificationSettings;
  /** An alert that fires and is not in an answer, which is a whole list, is over. */
  readonly resolvesAbsent: boolean;
}

interface PollingConfig extends ReadingConfig {
  readonly method?: 'GET' | 'POST' | undefined;
  readonly interval: string;
  readonly absent: 'keep' | 'resolve';
  readonly authentication?: z.output<typeof authentication> | undefined;
}

/** From the config of a Source whose endpoint is a URL, which fits its schema. */
export function compilePolling(endpoint: string, config: PollingConfig): Polling {
  const reading = compileReading(config);
  return {
    url: endpoint,
    method: config.method ?? 'GET',
    intervalMs: parseDuration(config.interval),
    secret: compileAuthentication(config.authentication)?.secrets[0] ?? null,
    reading,
    resolvesAbsent: config.absent === 'resolve',
  };
}

const timeoutMs = 30_000;
const maxBodyBytes = 3 * 1024 * 1024;
const longestPauseMs = 15 * 60_000;
/** What did not change is told again so often, so that what goes on does not expire. */
const tellAgainMs = 10 * 60_000;

/** What is known of the last answer. */
interface Last {
  readonly etag: string | null;
  readonly modified: string | null;
  readonly notification: Notification;
  /** Why nothing follows from what is not in it, though it is asked for; null = it does, or is not. */
  readonly partial: AppError | null;
  /** Monotonic milliseconds. */
  readonly toldMs: number;
}

/** An answer that is none; `afterMs` is how long the endpoint asks to wait. */
class PollRefused extends AppError {
  override readonly name: string = 'PollRefused';
  readonly afterMs: number | null;

  constructor(message: string, next: string, afterMs: number | null) {
    super('Unreachable', message, { next, reason: 'PollRefused' });
    this.afterMs = afterMs;
  }
}

/** Asks at each interval, and tells what has changed. Trouble is told and tried again, with pauses that grow. */
export async function poll(polling: Polling, io: SourceIo): Promise<void> {
  const { clock, signal, random } = io;
  const { intervalMs } = polling;
  let last: Last | null = null;
  let failures = 0;
  while (!signal.aborted) {
    let waitMs = intervalMs * (1 + random() / 10);
    try {
      const now = await pollOnce(polling, io, last);
      failures = 0;
      // What is taken in takes back what was wrong before, so it is told anew.
      if (now.partial === null || now.toldMs !== last?.toldMs) await io.works();
      if (now.partial !== null) await io.trouble(now.partial);
      last = now;
    } catch (thrown) {
      if (signal.aborted) return;
      const error = toAppError(thrown);
      failures += 1;
      await io.trouble(error);
      const asked = error instanceof PollRefused ? error.afterMs : null;
      const pauseMs = asked ?? backOffMs({ firstMs: intervalMs, mostMs: longestPauseMs }, failures, random());
      waitMs = Math.max(waitMs, Math.min(pauseMs, longestPauseMs));
    }
    await clock.sleep(waitMs, signal).catch(() => undefined);
  }
}

async function pollOnce(polling: Polling, io: SourceIo, last: Last | null): Promise<Last> {
  const { clock } = io;
  const askedAt = toTimestamp(clock.now());
  const response = await ask(polling, io, last);
  if (response.status === 304 && last !== null) return tellAgain(io, last);
  const notification = await read(polling, response, toTimestamp(clock.now()));
  const { etag = null, 'last-modified': modified = null } = response.headers;
  const partial = polling.resolvesAbsent ? partOf(polling, response, notification) : null;
  // One that is whole now says what is over, also with the same body.
  const isWholeNow = partial === null && last !== null && last.partial !== null;
  const isSame = last?.notification.contentHash === notification.contentHash && !isWholeNow;
  const next = { etag, modified, notification, partial, toldMs: isSame ? (last?.toldMs ?? 0) : clock.monotonic() };
  if (isSame) return tellAgain(io, next);
  const ended = polling.resolvesAbsent && partial === null ? await absentFrom(notification, io, askedAt) : [];
  // Who is no longer sure to be the only one that asks must not end what another one has just seen.
  io.signal.throwIfAborted();
  await io.intake.accept(io.source(), { ...notification, items: [...notification.items, ...ended] });
  return next;
}

/** Why an answer is not the list of all that fires; null = it is. */
function partOf(
  { url, reading }: Polling,
  { headers, body }: HttpResponse,
  { bad, moreBad, truncatedAlerts }: Notification,
): AppError | null {
  const why = partialReason({
    isList: reading.items.length > 0 || reading.mapping === null || /^\s*\[/.test(body),
    link: headers['link'] ?? '',
    truncatedAlerts,
    unread: bad.length + moreBad,
  });
  if (why === null) return null;
  return new AppError('InvalidInput', `what ${url} answers ${why}, so nothing follows from what is not in it`, {
    reason: 'PartialAnswer',
    next: 'ask for all of it at once, or set absent: keep',
  });
}

function partialReason(answer: {
  isList: boolean;
  link: string;
  truncatedAlerts: number;
  unread: number;
}): string | null {
  if (!answer.isList) return 'is no list';
  if (/;\s*rel="?next"?/i.test(answer.link)) return 'is one page of several';
  if (answer.truncatedAlerts > 0) return `leaves ${answer.truncatedAlerts} alerts out`;
  return answer.unread > 0 ? `has items that cannot be read (${answer.unread})` : null;
}

/** The ends of alerts that fire and are not in a whole answer. What was told after it was asked for is not among them. */
async function absentFrom({ items }: Notification, io: SourceIo, askedAt: Timestamp): Promise<readonly AlertItem[]> {
  const present = new Set(items.map(({ fingerprint }) => fingerprint));
  const open = await io.openAlerts();
  return open
    .filter(({ fingerprint, lastReceivedAt }) => !present.has(fingerprint) && lastReceivedAt <= askedAt)
    .map((alert) => ({
      status: 'resolved',
      name: alert.name,
      severity: alert.severity,
      fingerprint: alert.fingerprint,
      externalId: alert.externalId,
      labels: alert.labels,
      annotations: alert.annotations,
      summary: alert.summary,
      description: alert.description,
      generatorUrl: alert.generatorUrl,
      startsAt: alert.startsAt,
      endsAt: alert.startsAt !== null && alert.startsAt > askedAt ? alert.startsAt : askedAt,
      skewed: false,
    }));
}

async function tellAgain({ intake, clock, source }: SourceIo, last: Last): Promise<Last> {
  const { expireAfterMs } = source();
  const everyMs = expireAfterMs === 0 ? Number.POSITIVE_INFINITY : Math.min(tellAgainMs, expireAfterMs / 4);
  if (clock.monotonic() - last.toldMs < everyMs) return last;
  await intake.accept(source(), last.notification);
  return { ...last, toldMs: clock.monotonic() };
}

async function ask({ url, method, secret }: Polling, io: SourceIo, last: Last | null): Promise<HttpResponse> {
  const response = await io.http.send({
    method,
    url,
    headers: {
      accept: 'application/json',
      ...(secret === null ? {} : { authorization: `Bearer ${secretText(io.secrets, io.source().namespace, secret)}` }),
      ...(last?.etag == null ? {} : { 'if-none-match': last.etag }),
      ...(last?.modified == null ? {} : { 'if-modified-since': last.modified }),
    },
    timeoutMs,
    maxResponseBytes: maxBodyBytes,
    signal: io.signal,
  });
  const { status, headers, truncated } = response;
  if (status === 200 && truncated)
    throw new PollRefused(`${url} answered more than ${maxBodyBytes / 1024 / 1024} MiB`, 'ask it for less', null);
  if (status === 200 || (status === 304 && last !== null)) return response;
  const afterMs = retryAfterMs(headers['retry-after'], headers['date'], io.clock.now());
  throw new PollRefused(`${url} answered ${status}${meaningOf(status)}`, `curl -i ${url}`, afterMs);
}

function meaningOf(status: number): string {
  if (status === 401 || status === 403) return ': it does not let this server in; look at authentication';
  return status >= 300 && status < 400 ? ': redirects are not followed; name where it leads to' : '';
}

async function read(polling: Polling, response: HttpResponse, receivedAt: string): Promise<Notification> {
  const request = { body: response.body, headers: {}, receivedAt };
  const result = await receiveNotification(polling.reading, request, eventLoopTurns);
  // An answer is no delivery: what goes on is told again, and counts.
  if (result.ok) return { ...result.notification, deliveryKey: null };
  throw new AppError('InvalidInput', `what ${polling.url} answered cannot be read: ${result.message}`, {
    next: `curl ${polling.url}`,
  });
}
