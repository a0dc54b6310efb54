import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { CallerCertificate } from '../core/authentication.ts';

/** The certificate of a caller, if an authority that this server knows has issued it. */
export function callerCertificate(socket: Socket): CallerCertificate | null {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return null;
  const { subject, subjectaltname } = socket.getPeerCertificate();
  // Absent where the peer has shown none, whatever the types say.
  if ((subject as typeof subject | undefined) === undefined) return null;
  const parts = Object.entries(subject) as [string, string | readonly string[]][];
  const commonName: unknown = subject.CN;
  return {
    subject: parts.flatMap(([name, values]) => [values].flat().map((value) => `${name}=${escaped(value)}`)).join(','),
    commonName: typeof commonName === 'string' ? commonName : null,
    names: namesIn(subjectaltname ?? ''),
  };
}

/** RFC 4514: a value must not look like more of the name. */
function escaped(value: string): string {
  return value.replaceAll(/[\\",+;<=>\p{Cc}]/gu, '\\$&');
}

/** `DNS:a, URI:b`. Node writes what could be mistaken in quotes; nobody needs such names, so they are none. */
function namesIn(text: string): readonly string[] {
  if (text.includes('"')) return [];
  return text.split(', ').flatMap((entry) => {
    const colon = entry.indexOf(':');
    return colon > 0 ? [entry.slice(colon + 1)] : [];
  });
}
