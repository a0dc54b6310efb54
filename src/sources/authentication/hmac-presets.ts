/** How a vendor signs what it sends: always HMAC with SHA-256. */
export interface HmacPreset {
  /** Header of the signature, in lower case. */
  readonly header: string;
  /** In front of each signature. */
  readonly prefix: string;
  readonly encoding: 'hex' | 'base64';
  /** Between several signatures; null = there is one. */
  readonly separator: string | null;
  /** Header of the time that is signed too, in seconds since 1970; null = none. */
  readonly timestampHeader: string | null;
  /** Whether a Source may name the header of a time: for others it would not be signed, and anybody could write a new one. */
  readonly maySignTime: boolean;
  /** Header of the delivery's id, which is signed too; null = none. */
  readonly idHeader: string | null;
  /** What is signed in front of the body. */
  readonly signedPrefix: (id: string, timestamp: string) => string;
  /** The key in a Secret. */
  readonly key: (secret: string) => Buffer;
}

const plainBody: Omit<HmacPreset, 'header' | 'prefix'> = {
  encoding: 'hex',
  separator: null,
  timestampHeader: null,
  maySignTime: false,
  idHeader: null,
  signedPrefix: () => '',
  key: (secret) => Buffer.from(secret),
};

/** By the name in `preset`. */
export const hmacPresets = {
  /** Flux: notification-controller, generic-hmac. */
  flux: { ...plainBody, header: 'x-signature', prefix: 'sha256=' },
  github: { ...plainBody, header: 'x-hub-signature-256', prefix: 'sha256=' },
  /** grafana/alerting: http/hmac.go. With the header of a time `TIME:` stands in front of the body. */
  grafana: {
    ...plainBody,
    header: 'x-grafana-alerting-signature',
    prefix: '',
    maySignTime: true,
    signedPrefix: (_id, timestamp) => (timestamp === '' ? '' : `${timestamp}:`),
  },
  /** Several while its secret is rotated. */
  pagerduty: { ...plainBody, header: 'x-pagerduty-signature', prefix: 'v1=', separator: ',' },
  /** docs.slack.dev/authentication/verifying-requests-from-slack */
  slack: {
    ...plainBody,
    header: 'x-slack-signature',
    prefix: 'v0=',
    timestampHeader: 'x-slack-request-timestamp',
    signedPrefix: (_id, timestamp) => `v0:${timestamp}:`,
  },
  /** www.standardwebhooks.com, symmetric signatures (v1). */
  'standard-webhooks': {
    header: 'webhook-signature',
    prefix: 'v1,',
    encoding: 'base64',
    separator: ' ',
    timestampHeader: 'webhook-timestamp',
    maySignTime: true,
    idHeader: 'webhook-id',
    signedPrefix: (id, timestamp) => `${id}.${timestamp}.`,
    key: (secret) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64'),
  },
} as const satisfies Readonly<Record<string, HmacPreset>>;

export type HmacPresetName = keyof typeof hmacPresets;
