import type { Command } from 'commander';
import { examples } from '../../src/cli/examples.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { settings, variableOf } from '../../src/cli/settings.ts';

/** `docs/reference/cli.md`, from the tree of commands itself. */
export function cliReference(): string {
  const silent = { out: () => undefined, err: () => undefined, colour: false, env: {} };
  const program = buildProgram(silent);
  return [
    '# Commands',
    '',
    'Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 the answer is no (lint errors, a',
    'failed comparison), 2 usage or configuration, 3 cannot reach or not allowed, 4 timed out, 130 interrupted.',
    '',
    '## All commands',
    '',
    ...optionTable(program),
    'Colours follow `NO_COLOR`, `FORCE_COLOR` and `TERM=dumb`; tables fit the terminal (`COLUMNS` says how wide it is), and without one',
    'nothing is cut. A command to go on with is printed in the words with which the program was called.',
    '',
    '## Variables and configuration files',
    '',
    'An option that is not given takes its value from its variable, else from `./fist.yaml`, else from',
    '`$XDG_CONFIG_HOME/fist/config.yaml` (`~/.config/fist/config.yaml`), which are `name: value` lines. `fist config view --show-origin` shows',
    'what counts. A server that `./fist.yaml` names, on this machine too, is sent only tokens of that file and of the command line: whoever',
    'wrote it would learn others. `--server` and `FIST_SERVER` say that you trust it.',
    '',
    '| name | variable | also |',
    '|---|---|---|',
    ...Object.entries(settings).map(([name, { others = [], ownFileOnly }]) => {
      const also = [
        ...others.map((other) => `\`${other}\``),
        ...(ownFileOnly === true ? ['not in `./fist.yaml`'] : []),
      ];
      return `| \`${name}\` | \`${variableOf(name)}\` | ${also.join(', ')} |`;
    }),
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
  const words = `${prefix} ${command.name()}`.slice('fist '.length);
  return [
    `## ${prefix} ${command.name()}${operands.join('')}`,
    '',
    `${command.description()}.`,
    '',
    ...optionTable(command),
    ...exampleBlock(words),
  ];
}

function exampleBlock(words: string): readonly string[] {
  const lines = (examples[words] ?? []).flatMap(([line, meaning]) => [`# ${meaning}`, line]);
  return lines.length === 0 ? [] : ['```sh', ...lines, '```', ''];
}

function optionTable(command: Command): readonly string[] {
  const options = command.options.map((option) => {
    const standard =
      option.defaultValue === undefined || option.defaultValue === false
        ? ''
        : ` (default: ${String(option.defaultValue)})`;
    return `| \`${option.flags.replaceAll('|', '\\|')}\` | ${option.description}${standard}${option.mandatory ? ' (required)' : ''} |`;
  });
  return options.length === 0 ? [] : ['| option | meaning |', '|---|---|', ...options, ''];
}
