import { createEngineWorld, planOf, step } from '/work/main/test/support/engine.ts';
import { openSqliteStore } from '/work/main/src/store/sqlite/store.ts';
import { systemClock } from '/work/main/src/lib/clock.ts';
import { startPump } from '/work/main/src/lib/pump.ts';
import { enginePump } from '/work/main/src/workflows/pump.ts';
import { silentLog } from '/work/main/test/support/engine.ts';
import { rmSync } from 'node:fs';
rmSync('/tmp/bench-eng', { recursive: true, force: true });
const store = openSqliteStore({ path: '/tmp/bench-eng/fist.db' });
const clock = systemClock();
const world = createEngineWorld({ store, clock });
const plan = planOf([step('one'), step('two'), step('three')], { sinks: ['out'] });
const N = Number(process.argv[2] ?? 3000);
const conc = Number(process.argv[3] ?? 64);
const ids: string[] = [];
let t = performance.now();
await Promise.all(Array.from({ length: N }, async () => { const a = await world.addAlert(); ids.push(await world.addRun(plan, { planHash: 'h' }, a)); }));
console.log('insert', (N / (performance.now() - t) * 1000).toFixed(0), '/s');
t = performance.now();
const pump = startPump(enginePump({ store, engine: world.engine, concurrency: conc, clock, log: silentLog }));
store.onCommit(({ runs }) => { if (runs) pump.hint(); });
pump.hint();
while ((await store.read.runs.due('9999', 1)).length > 0 || pump.active() > 0) await new Promise((r) => setTimeout(r, 5));
const s = (performance.now() - t) / 1000;
console.log('runs/s', (N / s).toFixed(0), 'cpu', process.cpuUsage().user / 1e6);
// latency lone
const lat: number[] = [];
for (let i = 0; i < 200; i++) {
  const t0 = performance.now();
  const a = await world.addAlert();
  const id = await world.addRun(plan, { planHash: 'h' }, a);
  for (;;) { const st = await store.read.runs.steps(id); if (st.length > 0) break; await new Promise((r) => setImmediate(r)); }
  lat.push(performance.now() - t0);
  await new Promise((r) => setTimeout(r, 10));
}
lat.sort((a, b) => a - b);
console.log('2 commits + to first step started p50', lat[100]!.toFixed(2), 'p99', lat[197]!.toFixed(2));
await pump.stop(1000); await store.close();
