import { z } from 'zod';
import { map } from '../lib/schema.ts';
import { secretRef } from '../lib/secret-reference.ts';

// Fields of `spec.config` that more than one sink type uses: one name, one schema.

export const endpoint = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[^\p{Z}\p{Cc}/]+/u, 'must begin with http:// or https://')
  .meta({ description: 'Address of the receiver, http or https. Redirects are not followed.' });

/** Where a chat shows it. */
export const channel = z.string().min(1).max(255);

export const messageType = z.enum(['message', 'thread']).default('thread').meta({
  description: 'thread: one message for an incident, with the rest in its thread. message: each is one of its own.',
});

export const mentionUsers = z.array(z.string().max(255)).max(50).default([]);

/** For receivers whose address lets anybody write who knows it. */
export const endpointSecret = secretRef.meta({
  description: 'Secret with the address of the webhook, which is itself what nobody may know: name, or name/key.',
});

/** Text that is a template over the payload. It is checked by lint, and rendered before the first send. */
export const templated = z.string().max(65_536).meta({ template: true });

/** Text that is a condition over the payload: `deliver` gets `true` or `false`. */
export const conditional = z.string().max(65_536).meta({ condition: true });

export const template = templated.meta({
  description:
    'Go text/template. Roots: .source .alert .workflow .steps .report .run .event .timestamp .text (the report for people).',
});

export const action = z.enum(['resolve', 'annotate', 'silence', 'trigger']).meta({
  description:
    'What to do at the receiver: resolve, annotate or silence (alertmanager); trigger or resolve (pagerduty).',
});

/** Texts by name. */
export const facts = map(z.string().min(1).max(255), templated, 100);

export const context = facts.meta({ description: 'Further facts by name; values are templates.' });

export const tags = z.array(templated.max(1000)).max(20);

export const format = z.enum(['text', 'json', 'yaml', 'plain', 'cloudevents']);
