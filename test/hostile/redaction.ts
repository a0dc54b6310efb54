import { sourceAndWorkflow } from './define.ts';
import type { HostileInput, HostileWorld } from './define.ts';

const workflow = sourceAndWorkflow(
  'redaction',
  `steps:
  - name: print
    type: cli
    env: { UNIT: '{{ .alert.annotations.unit }}' }
    command: |
      echo "password=$(printf can)ary"
      yes -- "$UNIT" | head -c 60000
      yes -- "$UNIT" | tr -d '\\n' | head -c 60000 >&2`,
);

/** What is printed here is looked through for secrets, and each of these begins one again and again. */
const units = [
  'password=',
  'token=a&',
  'key=key=',
  '-----BEGIN PRIVATE KEY-----',
  'kind: Secret',
  '"kind":"Secret","data":{',
  'https://a:',
  'value: x name: ',
  'eyJ.',
  '"--password","',
  'mysql -p ',
  'A1b/',
];

async function print(world: HostileWorld, chosen: readonly string[]): Promise<void> {
  for (const [place, unit] of chosen.entries()) {
    await world.alert('redaction', { alertname: `Redaction ${place}`, severity: 'warning' }, { unit });
    const { steps } = await world.endedRun('redaction');
    const { status, result } = steps.find((step) => step.name === 'print') ?? {};
    if (status !== 'succeeded') throw new Error(`${unit}: ${JSON.stringify(steps).slice(0, 500)}`);
    if (JSON.stringify(result).includes('password=canary')) throw new Error(`${unit}: a password was stored`);
  }
}

/** Output of commands that takes long to look through. */
export const redaction: readonly HostileInput[] = [
  {
    name: 'redaction: a private key without its end',
    quick: true,
    resources: workflow,
    run: (world) => print(world, units.slice(3, 4)),
  },
  { name: 'redaction: what begins like a secret', run: (world) => print(world, units) },
];
