import { z } from 'zod';
import { normalizeWebhookPath } from '../lib/webhook-path.ts';

/** Where a Source takes requests. */
export const path = z
  .string()
  .max(1024)
  .regex(/^[A-Za-z0-9/_.~-]+$/, 'may hold letters, digits and / _ . ~ -')
  .refine((value) => normalizeWebhookPath(value) !== '' && !value.split('/').includes('..'), 'must name a path')
  .meta({ description: 'Path below /webhook/. A leading / and one leading webhook/ make no difference.' });
