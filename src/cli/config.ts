import { existsSync } from 'node:fs';
import { describeDatabase } from '../app/store.ts';
import { outputFormat, printItems, printObject, tell } from './output.ts';
import type { Listing, Terminal } from './output.ts';
import { readSettings, settingFiles, settings } from './settings.ts';

interface Row {
  readonly name: string;
  readonly value: string;
  readonly origin: string;
}

const listing: Listing<Row> = {
  columns: [
    { heading: 'SETTING', text: ({ name }) => name },
    { heading: 'VALUE', text: ({ value }) => value, cut: 20 },
    { heading: 'FROM', text: ({ origin }) => origin, cut: 30 },
  ],
  name: ({ name }) => name,
  empty: 'nothing is set: every option has its default',
};

/** `fist config view`: the settings that count, without the command line; secrets are masked. */
export async function viewConfig(
  terminal: Terminal,
  flags: { readonly output: string; readonly showOrigin?: boolean },
): Promise<number> {
  const format = outputFormat(flags.output, ['yaml', 'json']);
  const folder = terminal.folder ?? process.cwd();
  const made = await readSettings(terminal.env, folder);
  const rows = [...made].map(([name, { value, origin }]) => ({ name, value: shown(name, value), origin }));
  if (flags.showOrigin === true && format === 'yaml') await printItems(terminal, { as: 'table' }, rows, listing);
  else if (flags.showOrigin === true) await printObject(terminal, format, { items: rows });
  else await printObject(terminal, format, Object.fromEntries(rows.map(({ name, value }) => [name, value])));
  const files = settingFiles(terminal.env, folder);
  if (flags.showOrigin === true)
    tell(terminal, files.map(({ path }) => `${existsSync(path) ? 'read' : 'absent'}: ${path}`).join('\n'));
  return 0;
}

/** A value that people may see. */
function shown(name: string, value: string): string {
  if (settings[name]?.isSecret === true) return '(hidden)';
  return name === 'db' ? describeDatabase(value) : value;
}
