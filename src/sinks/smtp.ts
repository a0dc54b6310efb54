import { Readable } from 'node:stream';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { NodemailerError } from 'nodemailer';
import { AppError } from '../core/errors.ts';
import type { SinkIo } from './define.ts';
import type { Failure } from './http.ts';

// One mail over SMTP (RFC 5321), and what the answers of the server mean.

export interface MailServer {
  readonly host: string;
  readonly port: number;
  readonly tls: 'starttls' | 'implicit' | 'none';
  /** null: the server takes mail without. */
  readonly credentials: { readonly user: string; readonly pass: string } | null;
}

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body. */
  readonly content: Buffer;
}

/** An address in lower case that the server did not take, with the code of its answer. */
export interface RefusedAddress {
  readonly address: string;
  readonly code: number;
}

export type MailAnswer =
  /** The server has the mail, for all addresses but `refused`. */
  | { readonly ok: true; readonly refused: readonly RefusedAddress[] }
  | { readonly ok: false; readonly verdict: Failure };

/** A server that puts unknown senders off (greylisting) takes nothing earlier, and counts who asks more often. */
const putOffMs = 60_000;
const mostAnswerBytes = 65_536;
/** For the server to take leave; nobody waits for it. */
const farewellMs = 1000;

/**
 * Sends once, over one connection to a checked address, within what is left of the attempt. 4xx may pass later, 5xx is final; no
 * answer after the content has begun is ambiguous. Throws what `connect` of `io` does.
 */
export async function sendMail(io: SinkIo, server: MailServer, mail: Mail): Promise<MailAnswer> {
  const { default: Connection } = await import('nodemailer/lib/smtp-connection');
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(io.timeoutMs)]);
  const { host, port, tls } = server;
  const socket = await io.connect(host, port, signal);
  const connection = new Connection({
    host,
    port,
    connection: socket,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    // The signal comes first; these are for a connection that outlives it.
    connectionTimeout: io.timeoutMs,
    greetingTimeout: io.timeoutMs,
    socketTimeout: io.timeoutMs,
    socketCloseTimeout: farewellMs,
    maxResponseSize: mostAnswerBytes,
  });
  const progress = { begun: false };
  try {
    const refused = await Promise.race([broken(connection, signal), converse(connection, server, mail, progress)]);
    connection.quit();
    connection.close();
    return { ok: true, refused };
  } catch (thrown) {
    connection.close();
    socket.destroy();
    return { ok: false, verdict: verdictOf(thrown, host, progress.begun) };
  }
}

/** Rejects when the connection fails, or the time is up. */
function broken(connection: SMTPConnection, signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    connection.on('error', reject);
    const stop = () => reject(new AppError('Timeout', 'no answer came in time'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}

async function converse(
  connection: SMTPConnection,
  { credentials }: MailServer,
  { from, to, content }: Mail,
  progress: { begun: boolean },
): Promise<readonly RefusedAddress[]> {
  await new Promise<void>((done, fail) => connection.connect((error) => (error ? fail(error) : done())));
  if (credentials !== null) {
    // The library would try PLAIN all the same.
    if (!connection.allowsAuth)
      throw new AppError('InvalidInput', 'it takes no user and password; leave credentialsSecret out');
    await new Promise<void>((done, fail) => connection.login(credentials, (error) => (error ? fail(error) : done())));
  }
  // Read when the server has said that it waits for the content.
  const stream = Readable.from(
    (function* () {
      progress.begun = true;
      yield content;
    })(),
  );
  const envelope = { from, to: [...to], size: content.length };
  return new Promise((done, fail) =>
    connection.send(envelope, stream, (error, info) =>
      error ? fail(error) : done((info.rejectedErrors ?? []).map(refusedAddress)),
    ),
  );
}

function refusedAddress({ recipient = '', responseCode = 0 }: NodemailerError): RefusedAddress {
  return { address: recipient.toLowerCase(), code: responseCode };
}

/** The words of an answer are never quoted: who chooses the address of a Sink would read there what they should not. */
function verdictOf(thrown: unknown, host: string, begun: boolean): Failure {
  const { responseCode, response = '', command, code, message } = thrown as NodemailerError;
  if (responseCode !== undefined && responseCode >= 400) {
    const [detail = ''] = /(?<=^\d{3}[ -])\d\.\d{1,3}\.\d{1,3}\b/.exec(response) ?? [];
    const told = [responseCode, detail].filter(Boolean).join(' ');
    const reason = `${host} answered ${told}${command === undefined || command === 'CONN' ? '' : ` to ${command}`}`;
    const retry = responseCode < 500;
    return { ok: false, retry, reason, ...(retry ? { retryAfterMs: putOffMs } : {}) };
  }
  if (thrown instanceof AppError && thrown.code === 'InvalidInput')
    return { ok: false, retry: false, reason: `${host}: ${message}` };
  if (code === 'EMESSAGE') return { ok: false, retry: false, reason: `${host} takes no mail of this size` };
  const said = response === '' ? message : 'its answer is no SMTP';
  return { ok: false, retry: true, reason: `${host}: ${said}`, ...(begun ? { ambiguous: true } : {}) };
}
