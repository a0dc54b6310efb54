import { z } from 'zod';
import { defineAuthentication } from './define.ts';

/** Lets everybody in, where the server allows that at all (design 3.3). */
export const none = defineAuthentication({
  type: 'none',
  description:
    'Nothing. The Source is served on loopback, or with --allow-insecure-sources, and has the condition Insecure.',
  config: z.strictObject({}),
  compile: () => ({ secrets: [], isOpen: true, check: () => null }),
});
