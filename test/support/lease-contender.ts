import { appendFileSync } from 'node:fs';
import { startElection } from '../../src/kube/lease/lease.ts';
import { connectTransport } from '../../src/kube/connection/transport.ts';
import { kubeWriter } from '../../src/kube/connection/writer.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/silent-log.ts';

// One of several processes that want to lead: while it leads it writes a line every while. Arguments: its name, the kubeconfig, the
// file, and how much later its wall clock is. SIGTERM ends it gracefully.

const [name = '', kubeconfig = '', file = '', skewMs = '0'] = process.argv.slice(2);
const clock = systemClock();
const transport = await connectTransport({ kubeconfig });
const election = startElection({
  writer: kubeWriter(transport),
  namespace: 'fist',
  name: 'leader',
  identity: name,
  timings: { durationMs: 3000, renewDeadlineMs: 2000, retryMs: 400 },
  clock: { ...clock, now: () => clock.now() + Number(skewMs) },
  random: Math.random,
  log: silentLog,
  async lead(term) {
    while (!term.signal.aborted) {
      // By the clock of the machine, which all have: taken before it is asked, so that no stop comes between.
      const at = process.hrtime.bigint();
      if (term.isCurrent()) appendFileSync(file, `${at} ${name} ${term.number}\n`);
      await clock.sleep(10, term.signal).catch(() => undefined);
    }
  },
});
process.once('SIGTERM', () => {
  void election.stop(5000).then(async () => {
    await transport.close();
    process.exit(0);
  });
});
