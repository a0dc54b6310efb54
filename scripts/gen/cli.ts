import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';

/** `docs/reference/cli.md`, from the tree of commands itself. */
export function cliReference(): string {
  const silent = { out: () => undefined, err: () => undefined, colour: false, env: {} };
  const program = buildProgram(silent, { exitCode: 0 });
  return [
    '# Commands',
    '',
    'Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 the answer is no (lint errors, a',
    'failed comparison), 2 usage or configuration, 3 cannot reach or not allowed, 4 timed out, 130 interrupted.',
    '',
    ...program.commands.flatMap((command) => describe(command, 'fist')),
  ].join('\n');
}

function describe(command: Command, prefix: string): readonly string[] {
  if (command.commands.length > 0) {
    return command.commands.flatMap((child) => describe(child, `${prefix} ${command.name()}`));
  }
  const operands = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? ` <${name}>` : ` [${name}]`;
  });
  const options = command.options.map((option) => {
    const standard =
      option.defaultValue === undefined || option.defaultValue === false
        ? ''
        : ` (default: ${String(option.defaultValue)})`;
    return `| \`${option.flags.replaceAll('|', '\\|')}\` | ${option.description}${standard}${option.mandatory ? ' (required)' : ''} |`;
  });
  return [
    `## ${prefix} ${command.name()}${operands.join('')}`,
    '',
    `${command.description()}.`,
    '',
    ...(options.length === 0 ? [] : ['| option | meaning |', '|---|---|', ...options, '']),
  ];
}
