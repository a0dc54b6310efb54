import type { Command } from 'commander';
import type { Tie } from './action.ts';
import { serverOptions } from './server-options.ts';

/** Commands that show what a run does and says, and ask on. */
export function addAgentCommands(program: Command, action: Tie): void {
  action(
    serverOptions(
      program
        .command('watch <run>')
        .description(
          'Shows what run/ID does as it happens: its steps, requests to models, calls of tools, costs; until it ends, with exit code 1 where it does not succeed',
        ),
    ),
    async () => (await import('./watch-run.ts')).watchRun,
  );
  action(
    serverOptions(
      program
        .command('trace <run>')
        .description('Shows the whole conversation of run/ID with a model: what was said, asked, answered and paid'),
    )
      .option('--full', 'text: each answer whole, however long', false)
      .option('-o, --output <format>', 'text, json or yaml', 'text'),
    async () => (await import('./trace.ts')).trace,
  );
  action(
    serverOptions(
      program
        .command('replay <run>')
        .description(
          'Leads the conversation of run/ID with a model again, with the code of today and the answers of then, asking nobody; says in which fields the report differs, with exit code 1 where it does',
        ),
    ).option('-o, --output <format>', 'text or json', 'text'),
    async () => (await import('./replay.ts')).replay,
  );
  action(
    serverOptions(
      program
        .command('ask <run> <question...>')
        .description(
          'Asks on about the conversation of run/ID with a model, within what its budget has left; prints the answer',
        ),
    )
      .option('--no-wait', 'prints the run that answers, and does not wait for it')
      .option('-o, --output <format>', 'text or json', 'text'),
    async () => (await import('./ask.ts')).ask,
  );
  action(
    serverOptions(
      program
        .command('mcp')
        .summary('Lets an assistant ask a server (Model Context Protocol)')
        .description(
          'Speaks the Model Context Protocol on stdin and stdout, so that an assistant can read alerts, runs, reports and evidence of a server; ends with its input',
        ),
    ).option('--allow-start', 'also offers the tools that start investigations', false),
    async () => (await import('./mcp.ts')).mcp,
  );
}
