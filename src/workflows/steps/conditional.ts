import { z } from 'zod';
import { defineStep, succeeded } from './define.ts';

/** Decides which branch the plan goes on with. The branch is a step of its own at `<path>.then` or `<path>.else`. */
export const conditional = defineStep({
  type: 'conditional',
  description: 'Evaluates a condition and runs the step under `then` (or `agent`), or the one under `else`.',
  config: z.object({
    condition: z
      .string()
      .min(1)
      .max(65_536)
      .describe(
        'A template; false where its text is empty, `false`, `0` or `no`. `A == B` and `A != B` compare texts.',
      ),
  }),
  templates: { condition: 'condition' },
  defaultTimeoutMs: 60_000,
  branches: [
    { field: 'agent', branch: 'then', defaultType: 'agent' },
    { field: 'then', branch: 'then', defaultType: null },
    { field: 'else', branch: 'else', defaultType: null },
  ],
  async run(io, config) {
    const met = io.evaluate(config.condition);
    const wanted = met ? 'then' : 'else';
    const branch = io.branches.includes(wanted) ? wanted : null;
    const goesOn = branch === null ? `there is no branch \`${wanted}\`` : `runs branch \`${branch}\``;
    return succeeded({ condition_met: met, branch, message: `condition is ${met ? 'met' : 'not met'}, ${goesOn}` });
  },
});
