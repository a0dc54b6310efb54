import { scanOnce } from '../app/investigate.ts';
import { readClusterOptions } from '../app/options.ts';
import type { ClusterFlags } from '../app/options.ts';
import type { Broken } from '../core/scan.ts';
import { timeText } from '../core/time.ts';
import { plain } from '../lib/printable.ts';
import { outputFormat, printItems, printObject, tell } from './output.ts';
import type { Listing, Terminal } from './output.ts';

interface ScanFlags extends ClusterFlags {
  readonly namespace?: string;
  readonly output: string;
}

const listing: Listing<Broken> = {
  columns: [
    { heading: 'SEVERITY', text: ({ severity }) => severity },
    { heading: 'OBJECT', text: ({ object }) => object, cut: 36, keepsEnd: true },
    { heading: 'SINCE', text: ({ since }) => (since === null ? '-' : timeText(since)), wide: true },
    { heading: 'AFFECTS', text: ({ affects }) => String(affects.length) },
    { heading: 'CAUSE', text: ({ cause }) => cause, cut: 20, givesLast: true },
    { heading: 'LOOK', text: ({ look }) => look ?? '', wide: true, cut: 20 },
  ],
  name: ({ object }) => object,
  empty: 'nothing is broken in what was read',
};

/** Lines about what could not be read; the JSON has all. */
const shownGaps = 8;

/** `fist scan`: everything that is broken now, worst first. Exit 0 whatever is found. */
export async function scanCommand(terminal: Terminal, flags: ScanFlags): Promise<number> {
  const format = outputFormat(flags.output, ['table', 'wide', 'json', 'yaml', 'name']);
  const result = await scanOnce(flags.namespace ?? null, readClusterOptions(flags));
  if (format === 'json' || format === 'yaml') await printObject(terminal, format, result);
  else await printItems(terminal, { as: format }, result.broken, listing);
  for (const line of result.not_read.slice(0, shownGaps)) tell(terminal, `not read: ${plain(line)}`);
  const more = result.not_read.length - shownGaps;
  if (more > 0) tell(terminal, `not read: ${more} more; next: fist scan -o json`);
  return 0;
}
