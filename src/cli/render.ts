import { createInterface } from 'node:readline';
import { AppError, toAppError } from '../core/errors.ts';
import { renderTemplate } from '../lib/template/index.ts';
import { readInput } from './input.ts';
import type { Terminal } from './output.ts';

interface RenderFlags {
  readonly data?: string;
  readonly file?: string;
  readonly jsonl?: boolean;
}

/** `fist render TEMPLATE --data FILE`: the template engine by hand. */
export async function render(terminal: Terminal, flags: RenderFlags, template?: string): Promise<number> {
  if (flags.jsonl === true) return renderLines(terminal);
  const text = flags.file === undefined ? template : readInput(flags.file);
  if (text === undefined)
    throw new AppError('InvalidInput', 'no template was given', { next: "fist render '{{ .name }}' --data FILE" });
  const { parse } = await import('yaml');
  const data: unknown = flags.data === undefined ? {} : parse(readInput(flags.data));
  terminal.out(`${renderTemplate(text, data)}\n`);
  return 0;
}

async function renderLines(terminal: Terminal): Promise<number> {
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === '') continue;
    terminal.out(`${JSON.stringify(renderLine(line))}\n`);
  }
  return 0;
}

function renderLine(line: string): { output: string } | { error: string } {
  try {
    const { template, data } = JSON.parse(line) as { template: string; data: unknown };
    return { output: renderTemplate(template, data) };
  } catch (thrown) {
    return { error: toAppError(thrown).message };
  }
}
