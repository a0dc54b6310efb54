import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { catalogOptions } from '../../test/support/resources.ts';
import { buildCatalog } from './catalog.ts';

function conditionsOf(steps: string, runsCommands: boolean | undefined) {
  const spec = parse(`{steps: ${steps}}`) as unknown;
  const workflow = { kind: 'Workflow', namespace: 'shop', name: 'triage', spec, origin: '', createdAt: null } as const;
  const catalog = buildCatalog([workflow], catalogOptions({ runsCommands }));
  const { ready, conditions = [] } = catalog.workflow('shop', 'triage') ?? {};
  const told = conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);
  return { ready, told, message: conditions.at(-1)?.message };
}

const command = '[{name: look, type: agent, goal: why}, {name: say, type: cli, command: echo hello}]';

test('a Workflow with commands is used where none are run, and says that they will not', () => {
  expect(conditionsOf(command, false)).toEqual({
    ready: true,
    told: ['Ready=True Accepted', 'CommandsResolved=False CommandsOff'],
    message:
      'step "say" runs a command, which this server does not do: it fails, and says so; start it with: fist serve --allow-exec, or fist operator --allow-jobs (commands.enabled of the chart)',
  });
});

test('commands in branches count', () => {
  const branch = `[{name: check, type: conditional, condition: 'true', then: {name: say, type: cli, command: echo hello}},
    {name: again, type: cli, command: echo hello}]`;
  const { told, message } = conditionsOf(branch, false);
  expect(told).toContain('CommandsResolved=False CommandsOff');
  expect(message).toContain('step "say" (and 1 more) runs a command');
});

test.each([
  [command, true],
  [command, undefined],
  ['[{name: look, type: agent, goal: why}]', false],
])('nothing is said where they run, where nobody knows, and where there are none', (steps, runsCommands) => {
  expect(conditionsOf(steps, runsCommands).told).toEqual(['Ready=True Accepted']);
});
