import { z } from 'zod';
import type { DeliveryVerdict } from '../core/delivery.ts';
import { celIsLoopback, isLoopback } from '../lib/address-policy.ts';
import { sha256Hex } from '../lib/hash.ts';
import { secretRef } from '../lib/secret-reference.ts';
import { rule } from '../lib/rule.ts';
import { distinct } from '../lib/words.ts';
import { defineSink } from './define.ts';
import type { SinkIo } from './define.ts';
import { template, templated } from './fields.ts';
import { mailContent, parseMailbox } from './mail-content.ts';
import { viewOf } from './payload.ts';
import { sendMail } from './smtp.ts';
import type { MailServer, RefusedAddress } from './smtp.ts';

const ports = { starttls: 587, implicit: 465, none: 25 } as const;

/** ASCII, without quotes and comments: what every server takes. */
const addressPattern = "[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?";
const address = z
  .string()
  .max(400)
  .regex(new RegExp(`^${addressPattern}$`), 'must be an address like oncall@example.com');

/**
 * A mail to each address, plain and as HTML. All mails of an alert are one thread. An attempt that the server took for some
 * addresses only goes on with the others. A mail whose answer was lost may come twice, with the same Message-ID.
 */
export const email = defineSink({
  type: 'email',
  description: 'A mail by SMTP for each delivery; all of an alert are one thread.',
  example: {
    host: 'mail.example.com',
    from: 'fist@example.com',
    to: ['oncall@example.com'],
    credentialsSecret: 'mail-credentials',
  },
  remembers: true,
  config: z
    .object({
      host: z
        .string()
        .max(253)
        .regex(/^[A-Za-z0-9:][-.:_A-Za-z0-9]{0,252}$/, 'must be a name or an address, without a port')
        .meta({ description: 'The mail server: name or address.' }),
      port: z.int().min(1).max(65_535).optional().meta({
        description: 'Default: 587 (starttls), 465 (implicit), 25 (none).',
      }),
      tls: z.enum(['starttls', 'implicit', 'none']).default('starttls').meta({
        description:
          'starttls: the connection is encrypted before anything is told, or nothing is sent. implicit: from the beginning. none: not at all, for a server on the same machine.',
      }),
      allowUnencrypted: z.boolean().default(false).meta({
        description: 'With tls none: also to another machine, where the network between can be trusted.',
      }),
      from: z
        .string()
        .max(400)
        .regex(
          new RegExp(`^(?:[^<>"\\\\,;:@\\p{Cc}]{1,100} <${addressPattern}>|${addressPattern})$`, 'u'),
          'must be an address, or Name <address>',
        )
        .meta({ description: 'The sender: an address, or Name <address>.' }),
      to: z.array(address).min(1).max(50).meta({ description: 'Addresses, at most 50.' }),
      cc: z.array(address).max(50).default([]).meta({ description: 'Addresses that get a copy, at most 50.' }),
      credentialsSecret: secretRef.optional().meta({
        description: 'Secret with the keys username and password. Absent: the server takes mail without.',
      }),
      subject: templated.optional().meta({
        description: 'Default: the alert and what it is about. Mail programs make a thread only of one subject.',
      }),
      template: template.optional(),
    })
    .check(
      rule(
        `!has(self.tls) || self.tls != 'none' || ${celIsLoopback('self.host')} || (has(self.allowUnencrypted) && self.allowUnencrypted)`,
        'none is for a server on the same machine; allowUnencrypted: true if you mean it',
        ({ tls, host, allowUnencrypted }) => tls !== 'none' || isLoopback(host) || allowUnencrypted,
        ['tls'],
      ),
      rule(
        `!has(self.tls) || self.tls != 'none' || ${celIsLoopback('self.host')} || !has(self.credentialsSecret)`,
        'a password is sent to another machine only with tls starttls or implicit',
        ({ tls, host, credentialsSecret }) => tls !== 'none' || isLoopback(host) || credentialsSecret === undefined,
        ['credentialsSecret'],
      ),
      rule(
        "!has(self.credentialsSecret) || !self.credentialsSecret.contains('/')",
        'must be the name of a Secret with the keys username and password',
        ({ credentialsSecret }) => credentialsSecret?.includes('/') !== true,
        ['credentialsSecret'],
      ),
    ),
  async deliver(io, config, delivery) {
    const { host, tls, from, to, cc, subject } = config;
    const server = {
      host,
      port: config.port ?? ports[tls],
      tls,
      credentials: credentialsOf(io, config.credentialsSecret),
    };
    const head = { from, to, cc, subject, sentAt: io.now() };
    const mail = await mailContent(head, viewOf(delivery.payload), delivery);
    return sendOnward(
      io,
      server,
      { ...mail, from: parseMailbox(from).address, to: distinct([...to, ...cc]) },
      delivery.known.own,
    );
  },
});

interface AddressedMail {
  readonly messageId: string;
  readonly content: Buffer;
  readonly from: string;
  readonly to: readonly string[];
}

/** Sends to whom an earlier attempt did not reach. `reached` is the reference of that one. */
async function sendOnward(
  io: SinkIo,
  server: MailServer,
  mail: AddressedMail,
  reached: string | null,
): Promise<DeliveryVerdict> {
  const before = new Set(reached?.split(','));
  const left = mail.to.filter((one) => !before.has(markOf(one)));
  // Whoever was taken out of the Sink meanwhile may leave nobody.
  if (left.length === 0) return { ok: true, reference: mail.messageId };
  const answer = await sendMail(io, server, { ...mail, to: left });
  if (!answer.ok) return answer.verdict;
  const { refused } = answer;
  if (refused.length === 0) return { ok: true, reference: mail.messageId };
  const isRefused = (one: string) => refused.some((refusal) => refusal.address === one.toLowerCase());
  return {
    ok: false,
    retry: refused.some(({ code }) => code < 500),
    reason: `${server.host} took the mail, but not for ${listed(refused)}`,
    reference: mail.to
      .filter((one) => !isRefused(one))
      .map(markOf)
      .join(','),
  };
}

/** Short, because there may be a hundred. */
function markOf(one: string): string {
  return sha256Hex(one).slice(0, 10);
}

function listed(refused: readonly RefusedAddress[]): string {
  const shown = refused.slice(0, 3).map((one) => `${one.address} (${one.code})`);
  const more = refused.length > 3 ? ` and ${refused.length - 3} more` : '';
  return `${shown.join(', ')}${more}`;
}

/** Throws SecretMissing. */
function credentialsOf(io: SinkIo, name: string | undefined): MailServer['credentials'] {
  if (name === undefined) return null;
  return { user: io.secret({ name, key: 'username' }), pass: io.secret({ name, key: 'password' }) };
}
