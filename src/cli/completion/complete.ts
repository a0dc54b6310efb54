import type { Command, Option } from 'commander';
import { alertStatuses, severities } from '../../core/alert.ts';
import { deliveryStatuses } from '../../core/delivery.ts';
import { runStatuses } from '../../core/run.ts';
import { logLevels } from '../../lib/log.ts';
import { plain } from '../../lib/printable.ts';
import { applySettings } from '../apply-settings.ts';
import { apiClient } from '../client.ts';
import type { ServerFlags } from '../client.ts';
import { nounOf, nouns } from '../nouns/index.ts';
import type { AnyNoun } from '../nouns/index.ts';
import type { Terminal } from '../output.ts';
import { readSettings } from '../settings.ts';
import { completionScripts } from './scripts.ts';

/** What may stand in place of the last word. */
interface Candidate {
  readonly value: string;
  readonly meaning: string;
}

/** A person waits for it with a key pressed. */
const askMs = 1000;
const mostIds = 50;

/** `fist __complete WORD...`: prints what the last word may become. Whatever goes wrong, it is silent. */
export async function complete(terminal: Terminal, program: Command, words: readonly string[]): Promise<number> {
  try {
    const typed = words.at(-1) === '__new' ? '' : (words.at(-1) ?? '');
    for (const { value, meaning } of await candidates(terminal, program, words.slice(0, -1), typed))
      if (value.startsWith(typed)) terminal.out(`${value}\t${plain(meaning)}\n`);
  } catch {
    // A message would stand in the middle of the line that is being typed.
  }
  return 0;
}

async function candidates(
  terminal: Terminal,
  program: Command,
  before: readonly string[],
  typed: string,
): Promise<readonly Candidate[]> {
  const place = walk(program, before);
  const ask = (noun: AnyNoun) => keysOf(terminal, place, noun);
  const [, flag, ,] = /^(--[^=]+)(=)(.*)$/s.exec(typed) ?? [];
  const option = flag === undefined ? place.open : place.options.find(({ long }) => long === flag);
  if (option !== undefined) {
    const values = await valuesOf(option, place, ask);
    return flag === undefined ? values : values.map(({ value, meaning }) => ({ value: `${flag}=${value}`, meaning }));
  }
  if (typed.startsWith('-'))
    return place.options.map(({ long, short, description }) => ({ value: long ?? short ?? '', meaning: description }));
  if (place.command.commands.length > 0 && place.operands.length > 0) return [];
  if (place.command.commands.length > 0)
    return place.command.commands.map((child) => ({
      value: child.name(),
      meaning: child.summary() || child.description(),
    }));
  return operandsOf(place, typed, ask);
}

/** Where the words before the last one lead. */
interface Place {
  readonly command: Command;
  readonly options: readonly Option[];
  /** The option that waits for its value. */
  readonly open: Option | undefined;
  readonly operands: readonly string[];
  readonly path: string;
}

function walk(program: Command, before: readonly string[]): Place {
  let command = program;
  let open: Option | undefined;
  const path: string[] = [];
  const operands: string[] = [];
  const optionsOf = () => [...command.options, ...(command === program ? [] : program.options)];
  for (const word of before) {
    if (open !== undefined) {
      command.setOptionValueWithSource(open.attributeName(), word, 'cli');
      open = undefined;
      continue;
    }
    if (word.startsWith('-')) {
      const [name, ...value] = word.split('=');
      const option = optionsOf().find(({ long, short }) => long === name || short === name);
      if (option === undefined || !(option.required || option.optional)) continue;
      if (value.length === 0) open = option;
      else command.setOptionValueWithSource(option.attributeName(), value.join('='), 'cli');
      continue;
    }
    const child = operands.length > 0 ? undefined : command.commands.find((one) => one.name() === word);
    if (child === undefined) operands.push(word);
    else {
      command = child;
      path.push(word);
    }
  }
  return { command, options: optionsOf(), open, operands, path: path.join(' ') };
}

type Ask = (noun: AnyNoun) => Promise<readonly Candidate[]>;

const statuses: Readonly<Record<string, readonly string[]>> = {
  alerts: ['open', ...alertStatuses],
  runs: runStatuses,
  deliveries: deliveryStatuses,
};

async function valuesOf(
  { long, description }: Option,
  { command, operands }: Place,
  ask: Ask,
): Promise<readonly Candidate[]> {
  const words = (values: readonly string[]) => values.map((value) => ({ value, meaning: '' }));
  if (long === '--output') return words(description.split(/, | or /).map((word) => word.replace(/=.*/, '=').trim()));
  if (long === '--severity') return words(severities);
  if (long === '--log-level') return words(logLevels);
  if (long === '--status')
    return words(command.name() === 'get' ? (statuses[nounOf(operands[0] ?? '').plural] ?? []) : ['failed']);
  const noun = nouns.find(({ singular, key }) => key !== null && long === `--${singular}`);
  return noun === undefined ? [] : (await ask(noun)).map(bare);
}

/** `run/0199` to `0199`; of `sink/shop/out` what a filter takes is the name. */
function bare({ value, meaning }: Candidate): Candidate {
  return { value: value.slice(value.lastIndexOf('/') + 1), meaning };
}

/** The nouns that a command takes as `NOUN/KEY`. */
const takes: Readonly<Record<string, readonly string[]>> = {
  why: ['alert', 'run'],
  get: nouns.filter(({ key }) => key !== null).map(({ singular }) => singular),
  describe: nouns.filter(({ key }) => key !== null).map(({ singular }) => singular),
  watch: ['run'],
  trace: ['run'],
  ask: ['run'],
  replay: ['run'],
  cancel: ['run', 'delivery'],
  retry: ['run', 'delivery'],
};

async function operandsOf({ path, operands }: Place, typed: string, ask: Ask): Promise<readonly Candidate[]> {
  const words = (values: readonly string[]) => values.map((value) => ({ value, meaning: '' }));
  if (path === 'completion') return words(Object.keys(completionScripts));
  if (path === 'explain') return words(['source', 'workflow', 'sink']);
  const accepted = takes[path];
  if (accepted === undefined) return [];
  const isParted = path === 'get' || path === 'describe';
  const [first] = operands;
  if (isParted && first !== undefined && !first.includes('/')) {
    const noun = nounOf(first);
    return (await ask(noun)).map(({ value, meaning }) => ({ value: value.slice(noun.singular.length + 1), meaning }));
  }
  if (typed.includes('/')) {
    const word = typed.slice(0, typed.indexOf('/'));
    const noun = nounOf(word);
    return accepted.includes(noun.singular)
      ? (await ask(noun)).map(({ value, meaning }) => ({
          value: `${word}${value.slice(noun.singular.length)}`,
          meaning,
        }))
      : [];
  }
  if (path === 'get' && first === undefined) return words(nouns.map(({ plural }) => plural));
  return words(accepted.map((singular) => `${singular}/`));
}

/** Keys of the newest, as the server of this command line has them. */
async function keysOf(terminal: Terminal, { command }: Place, noun: AnyNoun): Promise<readonly Candidate[]> {
  if (noun.key === null) return [];
  const made = await readSettings(terminal.env, terminal.folder ?? process.cwd());
  applySettings(command, made, new Map(), terminal.env);
  const client = apiClient(command.opts<ServerFlags>(), terminal, askMs);
  const { items } = (await client.get(`/api/v1/${noun.plural}?limit=${mostIds}`)) as { items: readonly never[] };
  return items.map((item) => ({
    value: noun.listing.name(item),
    meaning: noun.listing.columns
      .filter(({ heading, wide }) => wide !== true && heading !== 'ID')
      .slice(0, 3)
      .map((column) => column.text(item, items))
      .join(', '),
  }));
}
