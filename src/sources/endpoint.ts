import { z } from 'zod';
import { beyond } from '../lib/rule.ts';

/** Where alerts are posted to this server. */
export const postedTo = '/alerts';

/** Where a Source asks, or is asked: one name, one schema. */
export const endpoint = z
  .string()
  .max(2048)
  .regex(
    /^(\/alerts|https?:\/\/[^\p{Z}\p{Cc}@/?#\\]+([/?#][^\p{Z}\p{Cc}]*)?)$/u,
    'must be /alerts, where alerts are posted to this server, or an http or https URL without credentials',
  )
  .check(beyond('Address', 'is no URL', (text) => text.startsWith('/') || URL.canParse(text)));
