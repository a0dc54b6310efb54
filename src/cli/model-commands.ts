import type { Command } from 'commander';
import type { Tie } from './action.ts';
import { repeated, serverOptions } from './server-options.ts';

/** `fist model ...`. */
export function addModelCommands(program: Command, action: Tie): void {
  const model = program.command('model').description('Looks after the models that agent steps ask');
  action(
    serverOptions(model.command('check [model]'))
      .description(
        'Asks a model three short questions: whether it calls a tool, answers in the form of a report, and does both; and says how much it takes and what it costs. PROVIDER/MODEL, or nothing for the one of LLM_PROVIDER and LLM_MODEL: asked from here, with the key in LLM_API_KEY or in the own variable of its provider. workflow/[NAMESPACE/]NAME: the server asks its models, keeps the result for all replicas, and asks none that cannot',
      )
      .option('--endpoint <url>', 'its address (default: LLM_ENDPOINT, else the usual one)')
      .option('--context-tokens <count>', 'tokens that it takes, as contextTokens of an llmConfig')
      .option('--model-prices <file>', 'JSON with prices of models, before the list prices that come with this version')
      .option('--timeout <duration>', 'of one question', '2m')
      .option('-o, --output <format>', 'text or json', 'text'),
    async () => (await import('./model-check.ts')).modelCheck,
  );
  action(
    model
      .command('tools <server...>')
      .description(
        'Lists the tools of an MCP server, each with its line for spec.runtime.mcpServers of a Workflow: an address, or the absolute path of a program and its arguments. Calls none of them. A token for an address is in FIST_MCP_TOKEN',
      )
      .option(
        '--env <name>',
        'a variable of this environment that the program gets; more than once for several',
        repeated,
      )
      .option('--timeout <duration>', 'of the whole', '30s')
      .option('-o, --output <format>', 'text or json', 'text'),
    async () => (await import('./model-tools.ts')).modelTools,
  );
}
