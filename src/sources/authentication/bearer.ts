import { z } from 'zod';
import { bearerOf, defineAuthentication, isOneOf, oneSecret, onlyHeader, secretFields, secretsOf } from './define.ts';

/**
 * Decides in constant time whether a request has one of the tokens. None expected, or an empty one, fails closed. A request
 * with two Authorization headers is refused, because a proxy in front may have looked at the other one.
 */
export function checkBearer(rawHeaders: readonly string[], expected: readonly string[]): 'ok' | 'absent' | 'wrong' {
  if (onlyHeader(rawHeaders, 'authorization') === null) return 'absent';
  const token = bearerOf(rawHeaders);
  // Headers come as latin1; the bytes are compared, so that a token in UTF-8 works too.
  const isKnown = isOneOf(Buffer.from(token ?? '', 'latin1'), expected);
  return isKnown && token !== null ? 'ok' : 'wrong';
}

/** Value of WWW-Authenticate, RFC 6750 section 3. */
export function challenge(verdict: 'absent' | 'wrong'): string {
  return verdict === 'absent' ? 'Bearer realm="punching-fist"' : 'Bearer realm="punching-fist", error="invalid_token"';
}

export const bearer = defineAuthentication({
  type: 'bearer',
  description: 'The header `Authorization: Bearer TOKEN`.',
  config: z.strictObject(secretFields).check(oneSecret),
  compile: (config) => ({
    secrets: secretsOf(config),
    check({ rawHeaders }, tokens) {
      const verdict = checkBearer(rawHeaders, tokens);
      if (verdict === 'ok') return null;
      return {
        message: verdict === 'absent' ? 'a bearer token is required' : 'the bearer token is not the one of this Source',
        next: 'set http_config.authorization.credentials of the sender to the token of this Source',
        challenge: challenge(verdict),
      };
    },
  }),
});
