import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { startModelServer } from '../test/support/model-server.ts';
import type { WireName } from '../test/support/model-server.ts';
import { median } from './world.ts';
import type { World } from './world.ts';

const providers: readonly (readonly [provider: string, model: string, wire: WireName])[] = [
  ['openai-compatible', 'qwen3', 'chat'],
  ['anthropic', 'claude-sonnet-5-5', 'messages'],
  ['openai', 'gpt-6.1-sol', 'responses'],
  ['google', 'gemini-3.1-pro-preview', 'google'],
  ['bedrock', 'amazon.nova-pro-v1:0', 'converse'],
  ['azure', 'our-deployment', 'responses'],
];

interface Cost {
  readonly firstCpuMs: number;
  readonly nextCpuMs: number;
  readonly residentBytes: number;
}

/** What the first request to each provider costs a process that has loaded the server, its SDK included; and a later one. */
export async function measureProviders(world: World): Promise<readonly object[]> {
  const model = await startModelServer();
  model.always({ text: 'Yes.' });
  const rows: object[] = [];
  try {
    for (const [provider, name, wire] of providers) {
      const costs: Cost[] = [];
      for (let round = 0; round < (world.quick ? 1 : 5); round += 1) {
        const words = ['--expose-gc', 'bench/provider-cost.ts', provider, name, model.endpoint(wire), model.key];
        const { stdout } = await promisify(execFile)(process.execPath, words);
        costs.push(JSON.parse(stdout) as Cost);
      }
      const of = (field: keyof Cost): number => median(costs.map((cost) => cost[field]));
      rows.push({
        provider,
        'first request CPU ms': of('firstCpuMs').toFixed(0),
        'a later one CPU ms': of('nextCpuMs').toFixed(1),
        'resident MB more': (of('residentBytes') / 1e6).toFixed(1),
      });
    }
  } finally {
    await model.stop();
  }
  return rows;
}
