import { z } from 'zod';
import { defineSource } from './define.ts';

/** Starts workflows from chat messages. */
export const chat = defineSource({
  type: 'chat',
  description: 'Starts a Workflow from a chat message.',
  notImplemented: 'chat Sources are not part of this version; alerts come in by webhook or POST /alerts',
  config: z.strictObject({
    platform: z.string().min(1).meta({ description: 'The chat system, slack.' }),
    trigger: z.enum(['mention', 'command']).meta({ description: 'What starts a run: a mention, or a command.' }),
    channel: z.string().min(1).meta({ description: 'The channel to listen in.' }),
    command: z.string().optional().meta({ description: 'The command, where trigger is command.' }),
  }),
});
