import { z } from 'zod';
import { challenge } from './bearer.ts';
import { bearerOf, defineAuthentication } from './define.ts';

export const kubernetes = defineAuthentication({
  type: 'kubernetes',
  description:
    'The header `Authorization: Bearer TOKEN` with a token of a ServiceAccount, or of anybody else whom the cluster knows, who may create `sources/webhook` of the Source.',
  config: z.strictObject({
    audience: z.string().min(1).max(253).optional().meta({
      description:
        'Whom the token has to be made for. Absent: punching-fist, or the cluster itself, as tokens that pods have without being asked are.',
    }),
  }),
  compile: ({ audience = null }) => ({
    secrets: [],
    cluster: { audience },
    check: ({ rawHeaders }) =>
      bearerOf(rawHeaders) === null
        ? {
            message: 'a bearer token is required',
            next: 'send a token of a ServiceAccount: kubectl create token NAME --audience punching-fist',
            challenge: challenge('absent'),
          }
        : null,
  }),
});
