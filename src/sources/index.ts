import { api } from './api.ts';
import { chat } from './chat.ts';
import type { SourceDefinition } from './define.ts';
import { kubernetes } from './kubernetes.ts';
import { schedule } from './schedule.ts';
import { webhook } from './webhook.ts';

/** Every source type. */
export const sourceDefinitions: readonly SourceDefinition[] = [webhook, chat, schedule, api, kubernetes];
