import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import { AppError } from '../core/errors.ts';
import type { Clock, Log } from '../core/ports.ts';
import { fileProblem } from '../lib/file-problem.ts';
import type { Connections } from './connections.ts';

/** Files of the listener, PEM. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** Authorities whose client certificates prove a caller; null = nobody is asked for one. */
  readonly clientAuthorities: string | null;
}

type Contents = Pick<SecureContextOptions, 'cert' | 'key' | 'ca'>;

/** What the listener is made with. Throws InvalidInput where a file cannot be read, or they do not fit each other. */
export function tlsOptions(files: TlsFiles) {
  return {
    ...checked(files, readFiles(files)),
    minVersion: 'TLSv1.2',
    handshakeTimeout: 10_000,
    requestCert: files.clientAuthorities !== null,
    // Who shows none, or a wrong one, may still call what asks for none; a Source that does looks at what was proved.
    rejectUnauthorized: false,
  } as const;
}

function readFiles({ certificate, key, clientAuthorities }: TlsFiles): Contents {
  return {
    cert: read(certificate, '--tls-cert'),
    key: read(key, '--tls-key'),
    ...(clientAuthorities === null ? {} : { ca: read(clientAuthorities, '--tls-client-ca') }),
  };
}

/** Takes some milliseconds. Throws InvalidInput where they do not fit each other. */
function checked({ certificate, key, clientAuthorities }: TlsFiles, contents: Contents): Contents {
  if (clientAuthorities !== null) checkAuthorities(clientAuthorities, String(contents.ca));
  try {
    createSecureContext(contents);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('InvalidInput', `${certificate} and ${key} cannot be used together: ${why}`, {
      field: '--tls-cert',
      cause,
      next: 'give the certificate and its own key, both in PEM',
    });
  }
  return contents;
}

const beginning = '-----BEGIN CERTIFICATE-----';

/**
 * OpenSSL takes a file without a certificate, or half of one, for no authority: all callers would be refused for good while
 * somebody writes it.
 */
function checkAuthorities(path: string, contents: string): void {
  const begun = contents.split(beginning).slice(1);
  try {
    if (begun.length === 0) throw new Error('it has none');
    for (const text of begun) void new X509Certificate(beginning + text);
  } catch (cause) {
    const next = 'give the certificates of the authorities, in PEM';
    throw new AppError('InvalidInput', `${path} does not hold whole certificates: ${(cause as Error).message}`, {
      field: '--tls-client-ca',
      cause,
      next,
    });
  }
}

function read(path: string, field: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new AppError('InvalidInput', `cannot read ${path}: ${fileProblem(cause)}`, { cause, field });
  }
}

const reloadEveryMs = 10_000;

/**
 * Uses new certificates as soon as the files have them, for connections that begin then. Files that cannot be used, or do not
 * fit each other yet, change nothing. Returns how to stop.
 */
export function reloadCertificates(
  server: TlsServer,
  files: TlsFiles,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): () => void {
  const stopping = new AbortController();
  let used = textOf(readFiles(files));
  let told = '';

  function look(): void {
    try {
      const contents = readFiles(files);
      const now = textOf(contents);
      if (now !== used) {
        server.setSecureContext(checked(files, contents));
        used = now;
        log.info({ ...files }, 'the certificates of the listener are new ones now');
      }
      told = '';
    } catch (error) {
      const { message } = error as Error;
      if (message !== told)
        log.error({ error }, 'the certificates of the listener were not reloaded; those of before stay in use');
      told = message;
    }
  }
  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(reloadEveryMs, stopping.signal).catch(() => undefined);
      if (!stopping.signal.aborted) look();
    }
  }
  void loop();
  return () => stopping.abort();
}

function textOf({ cert, key, ca }: Contents): string {
  return [cert, key, ca].map(String).join('\n');
}

/**
 * Connections are counted from their first byte, but requests come on the socket that the handshake makes of one. Both have
 * the same peer, which no other open connection has.
 */
export function withTlsSockets(server: TlsServer, connections: Connections): Connections {
  const begun = new Map<string, Socket>();
  const plainOf = new WeakMap<Socket, Socket>();
  const peerOf = ({ remoteAddress, remotePort, localPort }: Socket) => `${remoteAddress} ${remotePort} ${localPort}`;
  const plain = (socket: Socket) => plainOf.get(socket) ?? socket;
  server.prependListener('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    begun.set(peer, socket);
    socket.once('close', () => begun.get(peer) === socket && begun.delete(peer));
  });
  server.prependListener('secureConnection', (socket: Socket) => {
    const under = begun.get(peerOf(socket));
    if (under !== undefined) plainOf.set(socket, under);
  });
  return {
    add: (socket) => connections.add(socket),
    begin: (socket, isKnown) => connections.begin(plain(socket), isKnown),
    end: (socket) => connections.end(plain(socket)),
    isKnown: (socket) => connections.isKnown(plain(socket)),
  };
}
