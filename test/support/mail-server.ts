import { readFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerOptions } from 'smtp-server';
import { repositoryRoot } from './processes.ts';

// A mail server on the loopback interface with a certificate of its own authority, which fails as it is told.

const fixture = (name: string) => readFileSync(join(repositoryRoot, 'test/fixtures/tls', name), 'utf8');

/** Makes this process trust the authority of the mail server's certificate, as NODE_EXTRA_CA_CERTS does. Returns the way back. */
export function trustMailServer(): () => void {
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, fixture('ca.crt')]);
  return () => setDefaultCACertificates(before);
}

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string | null;
  readonly encrypted: boolean;
  /** As it came. */
  readonly raw: string;
  /** Unfolded and decoded, by name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  readonly html: string;
}

/** What happens to the next connection: an answer `code` to a command, or none. */
export type MailFault =
  | {
      readonly at: 'greeting' | 'login' | 'sender' | 'recipient' | 'content';
      readonly code: number;
      readonly only?: string;
    }
  /** The connection is lost, before the content is taken or after. */
  | { readonly at: 'lost before content' | 'lost after content' | 'silent greeting' | 'silent after content' };

export interface MailServer {
  readonly port: number;
  readonly mails: readonly ReceivedMail[];
  readonly connections: () => number;
  fail(...faults: readonly MailFault[]): void;
  stop(): Promise<void>;
}

export interface MailServerOptions extends SMTPServerOptions {
  readonly credentials?: { readonly user: string; readonly pass: string };
}

/** Starts a server, with STARTTLS unless `options` say otherwise. */
export async function startMailServer({ credentials, ...options }: MailServerOptions = {}): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  const sockets = new Set<Socket>();
  const coming: MailFault[] = [];
  let fault: MailFault | undefined;
  let connections = 0;
  const cut = () => sockets.forEach((socket) => void socket.resetAndDestroy());

  /** The error of a command that is to fail now. */
  function problem(at: MailFault['at'], address = ''): Error | null {
    if (fault === undefined || fault.at !== at || !('code' in fault)) return null;
    if (fault.only !== undefined && fault.only !== address) return null;
    return Object.assign(new Error('no, because of the secret reason'), { responseCode: fault.code });
  }

  const server = new SMTPServer({
    key: fixture('server.key'),
    cert: fixture('server.crt'),
    authOptional: credentials === undefined,
    disabledCommands: credentials === undefined ? ['AUTH'] : [],
    onConnect(_session, done) {
      connections += 1;
      fault = coming.shift();
      if (fault?.at !== 'silent greeting') done(problem('greeting'));
    },
    onAuth({ username, password }, _session, done) {
      const isRight = username === credentials?.user && password === credentials?.pass;
      const no = Object.assign(new Error('no'), { responseCode: 535 });
      const failed = problem('login') ?? (isRight ? null : no);
      if (failed !== null) done(failed);
      else done(null, { user: username });
    },
    onMailFrom: (_address, _session, done) => done(problem('sender')),
    onRcptTo({ address }, _session, done) {
      if (fault?.at === 'lost before content') cut();
      else done(problem('recipient', address));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const failed = problem('content');
        if (failed !== null) {
          done(failed);
          return;
        }
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          user: typeof session.user === 'string' ? session.user : null,
          encrypted: session.secure,
          ...parsed(Buffer.concat(chunks).toString('latin1')),
        });
        if (fault?.at === 'lost after content') cut();
        else if (fault?.at !== 'silent after content') done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  server.server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    connections: () => connections,
    fail: (...faults) => void coming.push(...faults),
    stop: () =>
      new Promise((done) => {
        server.close(done);
        cut();
      }),
  };
}

/** The parts of a mail of two alternatives. */
function parsed(raw: string): Pick<ReceivedMail, 'raw' | 'headers' | 'text' | 'html'> {
  const { headers, body } = split(raw);
  const boundary = /boundary="([^"]+)"/.exec(headers.get('content-type') ?? '')?.[1] ?? '';
  const parts = body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => split(part.replace(/^\r\n/, '')));
  const of = (type: string) => parts.find((part) => part.headers.get('content-type')?.startsWith(type));
  return { raw, headers, text: decoded(of('text/plain')), html: decoded(of('text/html')) };
}

interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

function split(raw: string): Part {
  const end = raw.indexOf('\r\n\r\n');
  const lines = raw
    .slice(0, end)
    .replace(/\r\n[ \t]/g, ' ')
    .split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), words(line.slice(colon + 1).trim())];
  });
  return { headers: new Map(headers), body: raw.slice(end + 4) };
}

/** RFC 2047. */
function words(text: string): string {
  return text
    .replace(/(=\?[^?]+\?[QB]\?[^?]*\?=)\s+(?==\?)/gi, '$1')
    .replace(/(?:=\?utf-8\?[QB]\?[^?]*\?=)+/gi, (run) =>
      Buffer.concat(
        [...run.matchAll(/=\?utf-8\?([QB])\?([^?]*)\?=/gi)].map(([, kind = '', value = '']) =>
          kind.toUpperCase() === 'B' ? Buffer.from(value, 'base64') : quoted(value.replace(/_/g, ' ')),
        ),
      ).toString('utf8'),
    );
}

function decoded(part: Part | undefined): string {
  if (part === undefined) return '';
  const encoding = part.headers.get('content-transfer-encoding');
  const bytes =
    encoding === 'base64'
      ? Buffer.from(part.body, 'base64')
      : encoding === 'quoted-printable'
        ? quoted(part.body.replace(/=\r\n/g, ''))
        : Buffer.from(part.body, 'latin1');
  return bytes.toString('utf8').replace(/\r\n/g, '\n').trim();
}

function quoted(text: string): Buffer {
  return Buffer.from(
    text.replace(/=([0-9A-F]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
    'latin1',
  );
}
