import { admission } from './admission.ts';
import { commands } from './commands.ts';
import type { HostileInput } from './define.ts';
import { intake } from './intake.ts';
import { lists } from './lists.ts';
import { logs } from './logs.ts';
import { matching } from './matching.ts';
import { reading } from './reading.ts';
import { redaction } from './redaction.ts';
import { templates } from './templates.ts';
import { yaml } from './yaml.ts';

/** Everything hostile that is sent to a running server. One file for each area, one line here. */
export const hostileInputs: readonly HostileInput[] = [
  ...templates,
  ...matching,
  ...logs,
  ...yaml,
  ...lists,
  ...admission,
  ...intake,
  ...reading,
  ...commands,
  ...redaction,
];
