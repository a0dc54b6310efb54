import { z } from 'zod';
import { secretRef } from '../lib/secret-reference.ts';
import { defineSink } from './define.ts';
import { template } from './fields.ts';

export const slack = defineSink({
  type: 'slack',
  description: 'A message in a Slack channel.',
  example: { channel: '#incidents', botToken: 'slack-bot-token' },
  config: z.object({
    channel: z.string().min(1).max(255).meta({ description: 'Channel name or id.' }),
    botToken: secretRef.optional().meta({ description: 'Secret with the bot token: name, or name/key.' }),
    messageType: z
      .enum(['message', 'thread'])
      .optional()
      .meta({ description: 'A message of its own, or one thread per alert.' }),
    mentionUsers: z.array(z.string().max(255)).max(50).default([]).meta({ description: 'Users to mention.' }),
    template: template.optional(),
  }),
});
