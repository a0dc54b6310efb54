import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** RFC 9110: the scheme is case-insensitive, one or more spaces, then the token: whatever a person chose. */
const bearer = /^bearer +(\S.*)$/i;

/**
 * Decides in constant time: both sides are hashed, so that neither length nor content of the expected token shows.
 * `expected` null or empty fails closed. A request with two Authorization headers is refused, because a proxy in front
 * may have looked at the other one.
 */
export function checkBearer(request: IncomingMessage, expected: string | null): 'ok' | 'absent' | 'wrong' {
  const given = onlyAuthorization(request.rawHeaders);
  if (given === null) return 'absent';
  const token = given === undefined ? undefined : bearer.exec(given)?.[1];
  const hasExpected = expected !== null && expected !== '';
  // Headers come as latin1; the bytes are compared, so that a token in UTF-8 works too.
  const isEqual = timingSafeEqual(digest(Buffer.from(token ?? '', 'latin1')), digest(hasExpected ? expected : ''));
  return isEqual && hasExpected && token !== undefined ? 'ok' : 'wrong';
}

/** null = no such header; undefined = more than one. */
function onlyAuthorization(rawHeaders: readonly string[]): string | null | undefined {
  let found: string | null = null;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length !== 13 || name.toLowerCase() !== 'authorization') continue;
    if (found !== null) return undefined;
    found = rawHeaders[index + 1] ?? '';
  }
  return found;
}

function digest(text: string | Buffer): Buffer {
  return hash('sha256', text, 'buffer');
}

/** Value of WWW-Authenticate, RFC 6750 section 3. */
export function challenge(verdict: 'absent' | 'wrong'): string {
  return verdict === 'absent' ? 'Bearer realm="punching-fist"' : 'Bearer realm="punching-fist", error="invalid_token"';
}
