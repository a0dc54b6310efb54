import { z } from 'zod';
import { rule } from '../lib/rule.ts';
import { normalizeWebhookPath } from '../lib/webhook-path.ts';

/** Where a Source takes requests. */
export const path = z
  .string()
  .max(1024)
  .regex(/^[A-Za-z0-9/_.~-]+$/, 'may hold letters, digits and / _ . ~ -')
  .check(
    rule(
      "!self.matches('^/?(webhook/)?$') && !self.matches('(^|/)[.][.](/|$)')",
      'must name a path',
      (value) => normalizeWebhookPath(value) !== '' && !value.split('/').includes('..'),
    ),
  )
  .meta({
    description:
      'Path below /webhook/ and below /webhook/@NAMESPACE/, where no other namespace can take it. A leading / and one leading webhook/ make no difference.',
  });
