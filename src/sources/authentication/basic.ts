import { z } from 'zod';
import { defineAuthentication, isOneOf, oneSecret, onlyHeader, secretFields, secretsOf } from './define.ts';

const scheme = /^basic +([A-Za-z0-9+/]+={0,2})$/i;

/** RFC 7617. */
export const basic = defineAuthentication({
  type: 'basic',
  description: 'The header `Authorization: Basic`, with a user name and a password.',
  config: z
    .strictObject({
      ...secretFields,
      username: z
        .string()
        .min(1)
        .max(255)
        .regex(/^[^:\p{Cc}]+$/u, 'must have no colon and no control character')
        .meta({ description: 'basic: the user name. The Secret has the password.' }),
    })
    .check(oneSecret),
  compile: (config) => ({
    secrets: secretsOf(config),
    check({ rawHeaders }, passwords) {
      const given = onlyHeader(rawHeaders, 'authorization');
      const encoded = typeof given === 'string' ? scheme.exec(given)?.[1] : undefined;
      const known = passwords.map((password) => `${config.username}:${password}`);
      if (isOneOf(Buffer.from(encoded ?? '', 'base64'), known) && encoded !== undefined) return null;
      return {
        message:
          given === null
            ? 'a user name and a password are required'
            : 'user name and password are not those of this Source',
        next: 'set http_config.basic_auth of the sender to the user name and the password of this Source',
        challenge: 'Basic realm="punching-fist", charset="UTF-8"',
      };
    },
  }),
});
