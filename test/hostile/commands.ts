import { hostileValues } from '../support/probe-runner.ts';
import { sourceAndWorkflow } from './define.ts';
import type { EndedRun, HostileInput, HostileWorld } from './define.ts';

const workflow = sourceAndWorkflow(
  'commands',
  `steps:
  - name: text
    type: cli
    command: |
      value={{ .alert.labels.text }}
      printf '%s|%s|' {{ .alert.labels.text }} "$value" "$(printf '%s' {{ .alert.labels.text }})" | wc -c
      ls -A
    continueOnError: true
  - name: variable
    type: cli
    env: { TEXT: '{{ .alert.labels.text }}' }
    command: printf '%s' "$TEXT" | wc -c; ls -A
  - name: many
    type: cli
    command: '{{ range $name, $value := .alert.annotations }}echo {{ $name }} {{ $value }}; {{ end }}true'
    continueOnError: true`,
);

function outputOf(run: EndedRun, name: string): string {
  const { result, status } = run.steps.find((step) => step.name === name) ?? {};
  return status === 'succeeded' ? String((result as { stdout?: unknown }).stdout) : `${status}`;
}

/** Each value is counted as it came, and nothing else comes to be in the folder where it is. */
async function sendAll(world: HostileWorld, values: readonly string[]): Promise<void> {
  for (const [place, text] of values.entries()) {
    await world.alert('commands', { alertname: `Commands ${place}`, text, severity: 'warning' });
    const run = await world.endedRun('commands');
    const bytes = Buffer.byteLength(text);
    if (outputOf(run, 'variable').trim() !== String(bytes)) {
      throw new Error(`${JSON.stringify(text)} was counted as ${outputOf(run, 'variable')}`);
    }
    if (!/^(?:failed|\s*\d+\n)$/.test(outputOf(run, 'text'))) {
      throw new Error(`${JSON.stringify(text)} made ${outputOf(run, 'text')}`);
    }
  }
}

/** Of those that an alert has beyond, it goes without (decision 15). */
const mostAnnotations = 128;

/** Alerts whose words go into commands. */
export const commands: readonly HostileInput[] = [
  {
    name: 'commands: values that would run',
    quick: true,
    resources: workflow,
    run: (world) =>
      sendAll(
        world,
        hostileValues.slice(0, world.isLong ? undefined : 3).filter((value) => value.trim() !== ''),
      ),
  },
  {
    name: 'commands: very many and very long values',
    async run(world) {
      const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`note-${at}`, `$(touch pwned) ${at}`]));
      await world.alert('commands', { alertname: 'Commands many', text: 'x' }, many);
      const run = await world.endedRun('commands');
      const lines = outputOf(run, 'many').split('\n').length - 1;
      if (lines !== mostAnnotations) throw new Error(`${lines} lines came out`);
      await world.alert('commands', { alertname: 'Commands long', text: '`'.repeat(30_000) });
      const long = await world.endedRun('commands');
      if (outputOf(long, 'variable').trim() !== '30000') throw new Error(`${outputOf(long, 'variable')} came out`);
    },
  },
];
