import type { Command } from 'commander';
import type { Tie } from './action.ts';

/** Commands that need neither a server nor a cluster. */
export function addOfflineCommands(program: Command, action: Tie): void {
  action(
    program
      .command('lint <path...>')
      .description('Checks resources: fields, references, templates, commands; no server')
      .option('--event <file>', 'shows which alerts the webhook Sources make of this body')
      .option('-o, --output <format>', 'text or json', 'text'),
    async () => (await import('./lint.ts')).lint,
  );
  action(
    program
      .command('explain <field>')
      .description('Explains a field, `workflow.spec.steps.goal`; or with -f what an `alert` would do; no server')
      .option('-f, --file <file>', 'alert: a notification as its sender sends it; - reads standard input')
      .option('--resources <path>', 'alert: the resources that decide, a folder or a file')
      .option('--source <name>', 'alert: only this Source (default: all that take notifications)')
      .option('--at <time>', 'alert: when it comes, RFC 3339 (default: now), for maintenance windows')
      .option('-o, --output <format>', 'text or json', 'text'),
    async () => (await import('./explain.ts')).explain,
  );
  action(
    program
      .command('render [template]')
      .description('Renders a template by hand')
      .option('--data <file>', 'JSON or YAML; - reads standard input')
      .option('--file <file>', 'read the template from a file')
      .option('--jsonl', 'read {"template", "data"} a line from standard input, answer {"output"} or {"error"} a line'),
    async () => (await import('./render.ts')).render,
  );
  action(
    program
      .command('version')
      .description('Prints the version')
      .option('-o, --output <format>', 'text or json', 'text'),
    async () => (await import('./version.ts')).version,
  );
  const config = program.command('config').description('Shows what variables and configuration files set');
  action(
    config
      .command('view')
      .description(
        'Shows the settings that count: of variables FIST_NAME, then ./fist.yaml, then $XDG_CONFIG_HOME/fist/config.yaml; secrets are hidden',
      )
      .option('--show-origin', 'where each is from, and which files were looked for')
      .option('-o, --output <format>', 'yaml or json', 'yaml'),
    async () => (await import('./config.ts')).viewConfig,
  );
  action(
    program
      .command('completion <shell>')
      .description('Prints the script with which bash, zsh, fish or powershell completes commands, flags and ids'),
    async () => (await import('./completion/script.ts')).completion,
  );
}
