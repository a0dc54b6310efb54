import { z } from 'zod';
import type { AgentResult } from '../core/finding.ts';

// The JSON form of a report: what `investigate -o json`, the journal of a run and the payload of a delivery hold.

const text = (description: string) => z.string().describe(description);
const optional = (description: string) => z.string().nullable().describe(description);
const texts = (description: string) => z.array(z.string()).describe(description);
const severity = z.enum(['critical', 'high', 'medium', 'low', 'info']);
const ids = texts('Ids of the evidence that says so, of the same report.');

const finding = z.object({
  category: text('What was found, a name of findings.md: `oom-killed`.'),
  description: text('The same in a sentence or more.'),
  happened: text('The same in short and in the past tense, after the object: `crashed again and again`.'),
  severity,
  object: text('What it is about, `pod/shop/checkout-7d9f`; cluster-scoped `node/worker-1`.'),
  from: optional('Since when, RFC 3339; null where nothing says.'),
  until: optional('Until when; null: still so when the evidence was taken.'),
  evidence_ids: ids,
  evidence: z.record(z.string(), z.string()).describe('Facts behind the description: `{"exit_code": "137"}`.'),
});

const alert = z.looseObject({
  alertname: z.string(),
  status: z.enum(['firing', 'resolved']),
  severity: z.enum(['critical', 'warning', 'info']),
  fingerprint: z.string(),
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
  startsAt: z.string().nullable(),
  endsAt: z.string().nullable(),
  generatorURL: z.string(),
});

const cause = z.object({
  sentence: text('One or two sentences, in the present tense.'),
  category: text('The category of its finding.'),
  object: text('What is at fault.'),
  certainty: z.enum(['is', 'is probably', 'may be']).describe('is: above 80 %; is probably: from 60 %.'),
  since: optional('Since when it is so; null where nothing says.'),
  change: optional('The rollout that brought it about, as a sentence; null where none did.'),
});

const link = z.object({
  object: text('An object on the way.'),
  relation: text('How one comes to it from the one before: `owner`, `mounts`, `points at`; `alert` for the first.'),
  finding: text('What is wrong with it; empty where it only links two others.'),
  happened: text('The same in short and in the past tense.'),
  evidence_ids: ids,
});

const measurement = z.object({
  title: text('`what the alert measures`, `memory of container app of pod/shop/web-1`.'),
  object: optional('What it is about, `pod/shop/web-1`; null where the labels of the metric name nothing.'),
  kind: z
    .enum(['alert', 'memory', 'cpu', 'throttling', 'volume'])
    .describe('What the alert measures, or the use of a container or a claim.'),
  unit: z.enum(['bytes', 'cores', 'ratio', 'number']).describe('Of its values; `ratio` is 0 to 1.'),
  expression: text('PromQL.'),
  sentence: text('How it went.'),
  is_saturated: z.boolean().describe('It reached its limit, or nearly (90 %).'),
  is_flat: z.boolean().describe('It stayed as it was.'),
  began: optional('When it changed, or went beyond what the alert allows; null where nothing tells.'),
  sparkline: text('Its shape, as a line of blocks.'),
  threshold: z.number().nullable().describe('The limit, or what the alert compares it with; null where there is none.'),
  holds_now: z
    .boolean()
    .nullable()
    .describe('Whether what the alert measures still is what it fires for; null where that is not known.'),
  from: text('Since when it was asked for: points that are missing were not measured.'),
  to: text('Until when.'),
  step_seconds: z.number().describe('Between two points.'),
  chart: optional('An SVG of it, at most 8 KiB; null where the report does not show it to people.'),
  points: z.array(z.array(z.number()).length(2)).describe('Unix time in seconds and value, oldest first, at most 100.'),
  series: z.int().min(1).describe('How many time series there are of it; this is the one that moved most.'),
  evidence_id: text('The evidence that shows it.'),
});

const timelineEntry = z.object({
  at: text('When.'),
  source: z
    .enum(['alert', 'change', 'finding', 'metric'])
    .describe('What says so: the alert itself, a rollout, what was found, a metric.'),
  object: optional('What it is about.'),
  text: text('What happened: `memory of web-1/app began to rise, from 60Mi`.'),
  evidence_ids: ids,
});

const recommendation = z.object({
  priority: z.int().min(1).describe('1 is first.'),
  action: text('A command, or what a person has to do.'),
  rationale: text('Why.'),
  risk_level: z.enum(['low', 'medium', 'high']),
  requires_approval: z
    .boolean()
    .describe('True: it changes the cluster, or nobody has checked what it does. False: it only reads.'),
  changes: optional('What it does to the cluster; null where it only reads, or where the action says it.'),
  undo: optional('The command that takes it back; null where none is known.'),
});

const gap = z.object({
  what: text('What was asked for.'),
  kind: z.enum(['not_captured', 'forbidden', 'unavailable']),
  reason: text('Why it was not given.'),
  remedy: text('What one can do so that the next investigation has it.'),
  resource: optional('`pods`, `pods/log`; null: the whole cluster.'),
  namespace: optional('null: none, or all.'),
});

const evidence = z.object({
  id: text('`e1`; within a run never used twice.'),
  kind: text('`object`, `events`, `logs`, `list`, `command`.'),
  object: text('What was looked at.'),
  command: text('The command that shows it again.'),
  time: text('When it was observed.'),
  excerpt: text('The part that matters, redacted and bounded.'),
});

const rivalCause = z.object({
  by: z.enum(['analyzers', 'model']),
  sentence: text('The cause that it gives.'),
  object: text('What it says is at fault.'),
  confidence: z.number().min(0).max(1).describe('After what speaks against it was taken off.'),
  evidence_ids: ids,
  doubts: texts('What speaks against it; empty where nothing is known to.'),
});

const hypothesis = z.object({
  statement: text('What could be the cause.'),
  verdict: z.enum(['supported', 'refuted', 'open']),
  evidence_for: ids,
  evidence_against: ids,
});

const earlierVerdict = z.object({
  run: text('Id of the earlier run.'),
  at: text('When it was said.'),
  likeness: z.enum(['the same alert', 'the same rule in the same namespace', 'the same rule']),
  verdict: z.enum(['confirmed', 'refuted']),
  stated: z
    .object({ category: text('Its category.'), object: text('What was at fault.') })
    .nullable()
    .describe('The cause that the earlier report stated; null: none.'),
  is_same_cause: z.boolean().describe('This report states it too.'),
  cause: optional('What it was, in the words of whoever said it.'),
  note: optional('What else they said.'),
  by: optional('Who said it.'),
});

const modelUse = z.object({
  ended: text('`concluded`, or why there is no whole answer: `BudgetExceeded`, `ModelUnavailable`, ...'),
  note: text('The same in a sentence.'),
  requests: z.int(),
  tool_calls: z.int(),
  wasted_calls: z.int().describe('Calls that were denied or for which there was nothing.'),
  tokens: z.int().describe('In and out.'),
  cost_dollars: z.number().nullable().describe('null: the price of the model is unknown.'),
  dropped: z.int().describe('Statements of the model without evidence of this run, which are left out.'),
});

/** The report as JSON, each field with what it means. */
export const reportSchema = z.object({
  schema_version: z
    .literal(1)
    .describe('Of this form. Raised where a field goes or changes its meaning; fields that are added do not raise it.'),
  notice: optional('What went wrong with the investigation itself; null where nothing did.'),
  recorded: optional(
    'That the cluster was a captured one, of when, and whether the alert is younger; null: it was live.',
  ),
  alert: alert.nullable().describe('The alert as it was looked at, redacted and bounded; null where none was given.'),
  other_alerts: texts('The other alerts that were asked about together: `KubePodNotReady pod/shop/web-1`.'),
  more_alerts: z.int().min(0).describe('How many more alerts of the same group there were, which were not looked at.'),
  object: optional('What the alert is about; null where its labels name nothing that is known.'),
  cluster: optional('By the label of the alert, else by --cluster-name; null where neither says.'),
  observed_at: optional('The moment of what was read; of a captured cluster that of the capture.'),
  happened: text('What happened, one sentence in the past tense.'),
  cause: cause.nullable().describe('The cause in its parts; null: inconclusive.'),
  links: z
    .object({
      runbook: optional('The runbook of the alert.'),
      query: optional('What the alert measures: its generatorURL.'),
      silence: optional(
        'A command that silences this alert alone for two hours; null where a label cannot be shown as it has to be typed.',
      ),
    })
    .describe('Where the alert itself leads.'),
  summary: text('The cause, or why there is none, in a sentence.'),
  findings: z
    .array(finding)
    .describe('What was found about what the alert names; where there is a cause, its finding is first.'),
  root_cause: optional('The cause as one text, with what it explains and the rollout behind it; null: inconclusive.'),
  causal_chain: z.array(link).describe('From what the alert names to the cause; empty where there is none.'),
  measurements: z
    .array(measurement)
    .describe('What metrics say round the time when the alert began; empty where none were asked for.'),
  timeline: z
    .array(timelineEntry)
    .describe(
      'Moments of the incident, the earliest first: the alert, what was found on the way to the cause, metrics.',
    ),
  also_broken: z.array(finding).describe('What is broken in the same place with no link to the alert.'),
  checked: texts('What was looked at and found well.'),
  confidence: z.number().min(0).max(1).describe('In the cause, by stated rules.'),
  confidence_reasons: texts('The rules that gave the confidence.'),
  actions_taken: z
    .array(
      z.object({
        tool: text('What read it.'),
        command: text('The command that reads the same.'),
        timestamp: text('When.'),
        success: z.boolean(),
        output_summary: text('What came of it.'),
      }),
    )
    .describe('What was read.'),
  recommendations: z.array(recommendation).describe('What to do, the first first.'),
  can_auto_fix: z.boolean().describe('Always false in this version: nothing is changed.'),
  fix_command: optional('Always null in this version.'),
  escalation_notes: optional('What whoever takes over needs to know, a line each.'),
  open_questions: texts('What could not be answered, and why.'),
  gaps: z.array(gap).describe('What was asked for and not given.'),
  masked: z
    .array(
      z.object({
        kind: z
          .enum(['named', 'token', 'key', 'address', 'random', 'secret'])
          .describe(
            'What it is known by: `named` a secret-like name before it, `token` a known form, `key` a private key, `address` a password in an address, `random` that it looks random, `secret` a Secret that holds it.',
          ),
        count: z.int().min(1).describe('Different values; where another process began the investigation, at least.'),
      }),
    )
    .describe('Values that were masked in what was read; empty where none were.'),
  conversation: z
    .array(z.object({ role: z.string(), content: z.string(), timestamp: z.string() }))
    .describe('With a model: what was said.'),
  evidence: z.array(evidence).describe('What the findings cite.'),
  model: optional('null: no model was used.'),
  model_use: modelUse.nullable().describe('What the model did and what it cost; null: no model was asked.'),
  rival_causes: z
    .array(rivalCause)
    .describe('Where the model and the analyzers disagree, or the cause that a model gives is not shown to be one.'),
  hypotheses: z.array(hypothesis).describe('What a model thought of, and what became of it.'),
  earlier_verdicts: z
    .array(earlierVerdict)
    .describe('What people said of the causes of such alerts before (`fist confirm`, `fist refute`): no evidence.'),
  report: text('The Markdown report.'),
});

/** Does not compile where the schema and the type differ. */
type Same<Left, Right> = [Left] extends [Right] ? ([Right] extends [Left] ? true : never) : never;
type Writable<Value> = Value extends readonly (infer Item)[]
  ? Writable<Item>[]
  : Value extends object
    ? { -readonly [Name in keyof Value]: Writable<Value[Name]> }
    : Value;
true satisfies Same<Omit<z.output<typeof reportSchema>, 'alert'>, Omit<Writable<AgentResult>, 'alert'>>;
