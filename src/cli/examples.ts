import type { Command } from 'commander';

/** A command line and what it is for. */
type Example = readonly [line: string, meaning: string];

/** By the words of the command. Each command that does something has some; they stand in its help and in the reference. */
export const examples: Readonly<Record<string, readonly Example[]>> = {
  demo: [
    ['fist demo', 'all stories, at reading speed; Enter shows the rest of one'],
    ['fist demo --fast', 'all at once'],
    ['fist demo --story oom-crash-loop', 'one story'],
    ['fist demo --keep', 'go on serving, to look around'],
  ],
  serve: [
    ['fist serve', 'over a recorded cluster, to look around'],
    ['fist serve --resources resources --secrets-dir secrets --context prod', 'investigates the cluster of a context'],
    ['fist serve --resources resources --db postgres://fist@db/fist', 'one of many replicas'],
  ],
  operator: [
    ['fist operator', 'in a pod, with the account of the pod'],
    ['fist operator --context dev -n shop', 'from this machine, for the objects of one namespace'],
    ['fist operator --db postgres://fist@db/fist', 'one of many replicas'],
  ],
  init: [
    ['fist init source > resources/source.yaml', 'a Source for Alertmanager'],
    ['fist init workflow --type cli', 'a Workflow whose step is a command'],
  ],
  check: [
    ['fist check --context prod', 'what may be read of a cluster, and this machine'],
    ['fist check --context prod -n shop --alertmanager http://127.0.0.1:9093', 'one namespace, and who sends here'],
    ['fist check --context prod --resources resources', 'and what Sources watch there'],
    ['fist check --context prod --pre', 'whether you may install the operator there'],
    ['fist check --context prod --installed', 'what the installed one may, and must not'],
  ],
  'connect alertmanager': [
    ['fist connect alertmanager --url http://127.0.0.1:9093', 'what it lacks, to copy'],
    ['fist connect alertmanager --url http://127.0.0.1:9093 --write alertmanager.yml', 'adds it to its file'],
  ],
  investigate: [
    ['fist investigate pod/web-1 -n shop --context prod', 'an object of a cluster, with no alert'],
    ['fist investigate --alert alert.json --dump captured/', 'an alert, in what was captured'],
    ['amtool alert query -o json | fist investigate --alert - --context prod', 'what Alertmanager holds now'],
  ],
  scan: [
    ['fist scan --context prod', 'everything that is broken in a cluster'],
    ['fist scan -n shop --context prod -o wide', 'one namespace, with what to look at'],
  ],
  install: [
    ['fist install --image registry.example/punching-fist:0.2.0', 'into the current context, namespace punching-fist'],
    ['fist install --dry-run', 'what it would make'],
  ],
  upgrade: [['fist upgrade --context prod --image registry.example/punching-fist:0.2.0', 'to this version']],
  apply: [
    ['fist apply -f resources --context prod', 'all files of a folder, checked first'],
    ['fist apply -f resources --dry-run', 'what it would change'],
    ['fist apply -f workflow.yaml -n shop --wait', 'and waits until it is in use'],
  ],
  delete: [
    ['fist delete workflow/shop/triage --context prod', 'one of them'],
    ['fist delete -f resources', 'all that a folder declares'],
  ],
  uninstall: [
    ['fist uninstall --context prod', 'the operator and its roles; what lasts is kept'],
    ['fist uninstall --context prod --all', 'says what else would be deleted'],
  ],
  capture: [
    ['fist capture --context prod --output-directory captured', 'a whole cluster'],
    ['fist capture --context prod -n shop --output-directory captured', 'one namespace'],
    ['fist capture --case disk --alert a.json --cause full --output-directory cases', 'a case whose cause is known'],
  ],
  eval: [
    ['fist eval examples/eval', 'scores the cases of this project'],
    ['fist eval cases --compare before.json --max-wrong 0', 'fails where an answer became wrong'],
  ],
  'model tools': [
    ['fist model tools https://inventory.example.com/mcp', 'with the token in FIST_MCP_TOKEN'],
    ['fist model tools --env TOKEN -- /usr/local/bin/inventory-mcp', 'a program, with one variable of yours'],
  ],
  'model check': [
    ['fist model check anthropic/claude-sonnet-4-5', 'with the key of ANTHROPIC_API_KEY'],
    ['fist model check local/qwen3 --endpoint http://127.0.0.1:11434/v1', 'a model of Ollama'],
    ['fist model check workflow/triage', 'the server asks its models, and keeps what came of it'],
  ],
  'send alert': [
    ['fist send alert --name TestAlert --label team=shop', 'an alert by hand'],
    ['fist send alert -f alert.json --path alertmanager', 'a notification, as Alertmanager sends it'],
  ],
  backtest: [
    ['fist backtest workflow/triage --resources resources --since 7d', 'how many runs these resources would have made'],
  ],
  get: [
    ['fist get alerts', 'what fires, what changed last first'],
    [`fist get alerts --all -n shop -l 'severity!=info'`, 'with resolved ones, about one namespace'],
    ['fist get runs --status failed --since 2h', 'runs that failed in the last two hours'],
    ['fist get run RUN -o yaml', 'one of them, whole'],
    ['fist get alerts -o custom-columns=NAME:.name,TEAM:.labels.team', 'columns of your own'],
    ['fist get alerts --watch', 'go on, and show each that changes'],
    [`fist get alerts -o jsonpath='{range .items[*]}{.id}{"\\n"}{end}'`, 'for a script'],
    ['fist get sources --context prod', 'the objects of a cluster, with no server'],
    ['fist get deliveries --sort-by .attempts --no-headers', 'sorted, without headings'],
  ],
  describe: [
    ['fist describe run/RUN', 'a run with its steps, evidence, deliveries and report'],
    ['fist describe run/RUN --watch', 'the same, again when it changes'],
    ['fist describe source alertmanager', 'a Source of the namespace default'],
    ['fist describe $(fist get runs -o name --limit 1)', 'the newest run'],
  ],
  watch: [['fist watch run/@latest', 'what the newest run does, until it ends']],
  trace: [
    ['fist trace run/RUN', 'what a model was asked, what it looked at and what it cost'],
    ['fist trace run/RUN --full -o json > conversation.json', 'all of it, for another program'],
  ],
  replay: [['fist replay run/RUN', 'whether this version makes the same report of the same answers']],
  ask: [
    ['fist ask run/RUN "Was the limit the same before the rollout?"', 'the answer, once the model has looked'],
    ['fist ask run/RUN --no-wait "What else changed?"', 'the run that answers'],
  ],
  confirm: [
    ['fist confirm run/RUN', 'the cause in its report was right'],
    ['fist confirm run/RUN --cause "the NAT gateway was away"', 'what it was, where the report found none'],
    ['fist confirm run/RUN --withdraw', 'takes back what was said'],
  ],
  refute: [['fist refute run/RUN --cause "a full disk" --note "see INC-12"', 'it was wrong; it was something else']],
  mcp: [
    ['fist mcp', 'for an assistant that starts it; asks the server on this machine'],
    ['fist mcp --server https://fist.example.com', 'another one, with the token in FIST_TOKEN'],
    ['fist mcp --allow-start', 'the assistant may also start investigations'],
  ],
  why: [
    ['fist why', 'the most severe open alert'],
    ['fist why KubePodCrashLooping', 'the open one of this name'],
    ['fist why pod/web-1 -n shop', 'what fires about a pod'],
  ],
  status: [['fist status && echo well', 'exit code 1 where something is wrong']],
  test: [['fist test sink/report', 'whether its receiver takes what it is sent']],
  start: [
    ['fist start alert/KubePodCrashLooping', 'looks again at what fires'],
    ['fist start alert/ALERT --workflow deep-dive', 'with another Workflow'],
  ],
  cancel: [
    ['fist cancel run/RUN --reason "wrong cluster"', 'asks a run to stop'],
    ['fist cancel delivery/DELIVERY', 'does not send it'],
    ['fist cancel deliveries --sink old-chat', 'none of those that wait for a Sink that is gone'],
  ],
  retry: [
    ['fist retry run/RUN', 'a new run of the same'],
    ['fist retry deliveries --sink chat --status failed', 'all that a Sink did not take'],
  ],
  'db status': [['fist db status --db data/punching-fist.db', 'how full it is, and whether a server has it open']],
  'db migrate': [['fist db migrate --db postgres://fist@db/fist', 'before new replicas start']],
  'db check': [['fist db check', 'damage, and rows that contradict each other']],
  'db size': [['fist db size -o json', 'rows and bytes of each table']],
  'db export': [['fist db export backup.jsonl', 'while the server goes on']],
  'db import': [['fist db import backup.jsonl --db postgres://fist@db/fist', 'into an empty database']],
  lint: [
    ['fist lint resources', 'all files of a folder'],
    ['fist lint resources -o json', 'for a program'],
    ['fist lint resources --event body.json', 'which alerts come out of a body'],
  ],
  explain: [
    ['fist explain workflow', 'the fields of a kind'],
    ['fist explain workflow.spec.steps.goal', 'one field'],
    ['fist explain alert -f alert.json --resources resources', 'what a notification would do, without doing it'],
  ],
  render: [[`fist render '{{ .alert.name }}' --data alert.json`, 'a template by hand']],
  version: [['fist version -o json', 'with the version of Node']],
  'config view': [['fist config view --show-origin', 'what is set, and where']],
  completion: [
    ['eval "$(fist completion bash)"', 'bash; for every shell, in ~/.bashrc'],
    ['fist completion zsh > "${fpath[1]}/_fist"', 'zsh'],
    ['fist completion fish > ~/.config/fish/completions/fist.fish', 'fish'],
    ['fist completion powershell | Out-String | Invoke-Expression', 'PowerShell, in $PROFILE'],
  ],
};

/** Adds them to the help of each command. */
export function addExamples(command: Command, words: readonly string[] = []): void {
  for (const child of command.commands) addExamples(child, [...words, child.name()]);
  const own = examples[words.join(' ')];
  if (own === undefined) return;
  const lines = own.map(([line, meaning]) => `  # ${meaning}\n  ${line}`);
  command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
