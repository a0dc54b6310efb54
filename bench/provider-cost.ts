// What the first request to a provider costs a process that has loaded the server: its SDK is read then.
//   node bench/provider-cost.ts PROVIDER MODEL ENDPOINT KEY        prints {"firstCpuMs", "nextCpuMs", "residentBytes"}
import { chooseModels, noModelDefaults } from '../src/agent/models/choose.ts';
import { asModel } from '../src/agent/models/open.ts';
import { builtInPrices } from '../src/agent/models/prices.ts';
import { createModelSlots } from '../src/agent/models/slots.ts';
import { systemClock } from '../src/lib/clock.ts';
import { createHttpClient } from '../src/lib/http.ts';
// For what it loads.
import '../src/app/createApp.ts';

const [provider = '', model = '', endpoint = '', key = ''] = process.argv.slice(2);
const http = createHttpClient();
await http.load();
const variables = { AWS_REGION: 'eu-west-1' };
const world = {
  defaults: { ...noModelDefaults, variables },
  prices: builtInPrices(),
  secret: () => key,
  http,
  slots: createModelSlots(),
  clock: systemClock(),
  random: () => 0,
};
const [chosen] = chooseModels({ provider, model, endpoint, apiKeySecret: 'key' }, world)?.models ?? [];
if (chosen === undefined) throw new Error(`${provider} cannot be asked`);
const opened = asModel(chosen, world);

/** CPU of one request, and what it leaves in memory. */
async function ask(): Promise<{ readonly cpuMs: number; readonly bytes: number }> {
  globalThis.gc?.();
  const [cpu, memory] = [process.cpuUsage(), process.memoryUsage().rss];
  await opened.ask({
    messages: [{ role: 'user', text: 'Are you there?' }],
    tools: [],
    schema: null,
    maxOutputTokens: 300,
    timeoutMs: 20_000,
    signal: new AbortController().signal,
  });
  const { user, system } = process.cpuUsage(cpu);
  globalThis.gc?.();
  return { cpuMs: (user + system) / 1000, bytes: process.memoryUsage().rss - memory };
}

// The connection and its client are there whichever model is asked.
await http.send({ method: 'GET', url: endpoint, headers: {}, timeoutMs: 5000, maxResponseBytes: 1000 });
const first = await ask();
const next = [await ask(), await ask(), await ask()].map(({ cpuMs }) => cpuMs);
console.log(JSON.stringify({ firstCpuMs: first.cpuMs, nextCpuMs: Math.min(...next), residentBytes: first.bytes }));
await http.close();
