import { afterAll, beforeAll, expect, it } from 'vitest';
import { commandProbes } from '../../test/support/command-probes.ts';
import { createProbeFolder, hostileValues, probeShells, renderProbe } from '../../test/support/probe-runner.ts';
import type { ProbeFolder } from '../../test/support/probe-runner.ts';
import { createRandom } from '../../test/support/random.ts';
import { lintCommand } from './shell.ts';
import { renderTemplate } from './template/index.ts';

let folder: ProbeFolder;
beforeAll(() => {
  folder = createProbeFolder();
});
afterAll(() => folder.remove());

const probes = commandProbes();
const passing = probes.filter((template) => lintCommand(template).length === 0);

it('thousands of attempts are judged, and some pass, so that it is not all refused', () => {
  expect(probes.length).toBeGreaterThan(10_000);
  expect(passing.length).toBeGreaterThan(500);
});

it('a sample of those that pass lint runs nothing, with any value, in any shell', () => {
  const random = createRandom(13);
  const sample = Array.from({ length: 120 }, () => {
    const template = random.pick(passing);
    const value = random.pick(hostileValues);
    return { template, value, command: renderProbe(template, value) };
  }).filter(({ command }) => command !== undefined);
  expect(sample.length).toBeGreaterThan(60);
  for (const shell of probeShells) {
    const ran = folder.run(
      shell,
      sample.flatMap(({ command }) => command ?? []),
    );
    expect(ran.map((index) => [shell, sample[index]?.template, sample[index]?.value])).toEqual([]);
  }
});

it('would notice what runs a value, takes it for an option, or reads its file', () => {
  const scripts = [
    renderTemplate('echo {{ .x }}', { x: '; touch pwned' }),
    'f() { eval "$1"; }; f "$FIST_1"',
    'echo "$FIST_1" | sh',
    'kubectl get pod "$FIST_2"',
    'helm status "$FIST_3"',
    'curl -d "$FIST_4" http://127.0.0.1:9/',
    'sh -c ./x',
    'true',
  ];
  const environment = {
    FIST_1: 'touch pwned',
    FIST_2: '--kubeconfig=x',
    FIST_3: '--post-renderer=./x',
    FIST_4: '@/etc/passwd',
  };
  const commands = scripts.map((script) => ({ script, environment }));
  for (const shell of probeShells) expect(folder.run(shell, commands)).toEqual([0, 1, 2, 3, 4, 5, 6]);
});
