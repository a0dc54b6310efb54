import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { rule } from '../lib/rule.ts';
import type { BeyondKind } from '../lib/rule.ts';
import { parseSecretReference, secretRef } from '../lib/secret-reference.ts';
import { normalizeWebhookPath } from '../lib/webhook-path.ts';
import { hmac } from './authentication/hmac.ts';
import { takeEvent } from './chat/deliver.ts';
import type { ChatEvent } from './chat/message.ts';
import type { ChatSettings } from './chat/settings.ts';
import { readSlackRequest } from './chat/slack-http.ts';
import { runSocketMode } from './chat/socket-mode.ts';
import { defineSource } from './define.ts';
import { endpoint } from './endpoint.ts';
import { path } from './path.ts';

const slackEndpoint = 'https://slack.com/api';

const fields = z.strictObject({
  platform: z.enum(['slack']).meta({ description: 'The chat system.' }),
  trigger: z.enum(['mention', 'command']).meta({
    description: 'What starts a run: a mention of the app, or a slash command.',
  }),
  channel: z.string().min(1).max(100).meta({
    description: 'The channel to listen in: its id (C0123456789). For commands its name will do.',
  }),
  command: z
    .string()
    .max(32)
    .regex(/^\/[^\p{Z}\p{Cc}/]{1,31}$/u, 'must be a slash command, /fist')
    .optional()
    .meta({ description: 'The command, where trigger is command: /fist.' }),
  appToken: secretRef.optional().meta({
    description:
      'Secret with the app-level token (xapp-..., scope connections:write): events come over a connection that this side opens (Socket Mode).',
  }),
  path: path.optional().meta({ description: 'Path below /webhook/ to which Slack sends, where there is no appToken.' }),
  signingSecret: secretRef.optional().meta({
    description: 'Secret with the signing secret of the app, for what comes to path; each line of it is valid.',
  }),
  previousSigningSecret: secretRef.optional().meta({ description: 'Another one that is valid while it is changed.' }),
  botToken: secretRef.optional().meta({
    description:
      'Secret with the bot token (xoxb-...), to answer mentions. Scopes: app_mentions:read, chat:write, for commands: commands.',
  }),
  endpoint: endpoint
    .optional()
    .meta({ description: 'Where the Web API of Slack is, if not at https://slack.com/api.' }),
});

const config = fields.check(
  rule(
    "self.trigger == 'command' || !has(self.command)",
    'belongs to trigger: command',
    ({ trigger, command }) => trigger === 'command' || command === undefined,
    ['command'],
  ),
  rule(
    '!has(self.path) || has(self.signingSecret)',
    'is needed where path is set',
    ({ path: wayIn, signingSecret }) => wayIn === undefined || signingSecret !== undefined,
    ['signingSecret'],
  ),
  rule(
    'has(self.path) || !has(self.signingSecret)',
    'belongs to path',
    ({ path: wayIn, signingSecret }) => wayIn !== undefined || signingSecret === undefined,
    ['signingSecret'],
  ),
  rule(
    'has(self.signingSecret) || !has(self.previousSigningSecret)',
    'belongs to signingSecret',
    ({ signingSecret, previousSigningSecret }) => signingSecret !== undefined || previousSigningSecret === undefined,
    ['previousSigningSecret'],
  ),
  rule(
    "!has(self.endpoint) || !self.endpoint.matches('[?#]|^/')",
    'must be an address, http or https, without a query',
    ({ endpoint: address = '' }) => !/[?#]|^\//.test(address),
    ['endpoint'],
  ),
);

/** Starts workflows from chat messages, and answers what is known already. */
export const chat = defineSource({
  type: 'chat',
  description: 'Starts a Workflow from a chat message: a mention, or a slash command.',
  config,
  compile(given) {
    for (const { field, message } of lacking(given))
      throw new AppError('InvalidResource', message, { field, reason: 'Contract' satisfies BeyondKind });
    return { ...wayIn(given), settings: compiledSettings(given) };
  },
  converse: {
    read: async (request, turns) => {
      const read = await readSlackRequest(request, turns);
      return read.ok ? { ok: true, said: read.event } : read;
    },
    async take(source, said, world) {
      const event = said as ChatEvent;
      return event.kind === 'challenge' ? { challenge: event.challenge } : takeEvent(source, event, world);
    },
  },
  hasAlerts: false,
  runsOn: 'one',
  runs: ({ appToken }: ChatSettings) => appToken !== null,
  run: (_settings: ChatSettings, io) => runSocketMode(io),
});

type Config = z.output<typeof config>;

/** What a Source of the earlier program had no field for. */
function lacking(given: Config): readonly { readonly field: string; readonly message: string }[] {
  const { trigger, channel, command, appToken, path: way, botToken } = given;
  const problems: [boolean, string, string][] = [
    [trigger === 'command' && command === undefined, 'command', 'is needed where trigger is command'],
    [
      appToken === undefined && way === undefined,
      'appToken',
      'is needed, or path with signingSecret: else nothing comes in',
    ],
    [trigger === 'mention' && botToken === undefined, 'botToken', 'is needed to answer mentions'],
    [
      trigger === 'mention' && !/^[CGD][A-Z0-9]{7,}$/.test(channel),
      'channel',
      'must be the id of the channel (C0123456789, at the end of its details): mentions do not tell its name',
    ],
  ];
  return problems.filter(([isWrong]) => isWrong).map(([, field, message]) => ({ field, message }));
}

/** How requests come in; nothing where there is no path. */
function wayIn({ path: given, signingSecret, previousSigningSecret }: Config) {
  if (given === undefined || signingSecret === undefined) return {};
  return {
    path: normalizeWebhookPath(given),
    mediaTypes: ['application/json', 'application/x-www-form-urlencoded'],
    authentication: hmac.compile({
      preset: 'slack',
      secretRef: signingSecret,
      previousSecretRef: previousSigningSecret,
    }),
  };
}

function compiledSettings(given: Config): ChatSettings {
  const {
    trigger,
    channel,
    command,
    appToken,
    signingSecret,
    previousSigningSecret,
    botToken,
    endpoint: address = slackEndpoint,
  } = given;
  const reference = (text: string | undefined) => (text === undefined ? null : parseSecretReference(text));
  const shared = { app: appToken, signing: signingSecret, previous: previousSigningSecret, bot: botToken };
  return {
    trigger,
    channel: channel.replace(/^#/, ''),
    command: command ?? null,
    endpoint: address.replace(/\/+$/, ''),
    appToken: reference(appToken),
    botToken: reference(botToken),
    apps: Object.entries(shared).flatMap(([kind, text]) => {
      const at = reference(text);
      return at === null ? [] : [`${kind === 'previous' ? 'signing' : kind} ${at.name}/${at.key}`];
    }),
  };
}
