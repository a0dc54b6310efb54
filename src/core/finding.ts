import type { JsonObject } from './json.ts';
import type { Evidence } from './run.ts';

export type FindingSeverity = 'critical' | 'high' | 'medium' | 'low' | 'info';

/** One thing that was found. It cites evidence of this run, or it is dropped by code. */
export interface Finding {
  /** `oom-killed`, `crash-loop`, `image-pull`, ... */
  readonly category: string;
  readonly description: string;
  /** The same in short and in the past tense, after the object: `crashed again and again`. */
  readonly happened: string;
  readonly severity: FindingSeverity;
  /** `pod/shop/checkout-7d9f`; cluster-scoped: `node/worker-1`. */
  readonly object: string;
  /** Since when, RFC 3339; null where nothing says. */
  readonly from: string | null;
  /** Until when; null: still so when the evidence was taken. */
  readonly until: string | null;
  /** Ids of {@link Evidence}; never empty. */
  readonly evidence_ids: readonly string[];
  /** Facts behind the description, `{"exit_code": "137"}`. */
  readonly evidence: Readonly<Record<string, string>>;
}

/** One step of the way from what the alert names (first) to the cause (last). */
export interface ChainLink {
  readonly object: string;
  /** How the investigation came from the step before to this object: `owner`, `mounts`, `points at`; `alert` for the first. */
  readonly relation: string;
  /** What is wrong with the object; empty where it only links two others. */
  readonly finding: string;
  /** The same in short and in the past tense; empty where it only links two others. */
  readonly happened: string;
  readonly evidence_ids: readonly string[];
}

export interface Recommendation {
  /** 1 is first. */
  readonly priority: number;
  readonly action: string;
  readonly rationale: string;
  readonly risk_level: 'low' | 'medium' | 'high';
  readonly requires_approval: boolean;
  /** What it does to the cluster: `replaces the pods of deployment/web`; null where it only reads. */
  readonly changes: string | null;
  /** The command that takes it back; null where none is known. */
  readonly undo: string | null;
}

export interface ActionTaken {
  readonly tool: string;
  readonly command: string;
  readonly timestamp: string;
  readonly success: boolean;
  readonly output_summary: string;
}

/** Something that an investigation asked for and was not given. */
export interface Gap {
  /** For people: `the previous log of container app of pod/shop/web-1`. */
  readonly what: string;
  readonly kind: 'not_captured' | 'forbidden' | 'unavailable';
  readonly reason: string;
  /** What people can do so that the next investigation has it; the same for all gaps of a kind in one place. */
  readonly remedy: string;
  /** `pods`, `pods/log`; null: the whole cluster. */
  readonly resource: string | null;
  /** Null: none, or all. */
  readonly namespace: string | null;
}

/** How sure the report is of its cause, in the words that stand before it. */
export type Certainty = 'is' | 'is probably' | 'may be';

/** The cause in its parts; `root_cause` has them as one text. */
export interface Cause {
  /** One or two sentences, in the present tense. */
  readonly sentence: string;
  readonly category: string;
  readonly object: string;
  readonly certainty: Certainty;
  /** Since when it is so, RFC 3339; null where nothing says. */
  readonly since: string | null;
  /** The rollout that brought it about, in one sentence; null where none did. */
  readonly change: string | null;
}

/** Where an alert itself leads. Null where it does not say. */
export interface ReportLinks {
  readonly runbook: string | null;
  /** What it measures: its generatorURL. */
  readonly query: string | null;
  /** A command that silences it for two hours. */
  readonly silence: string | null;
}

/** A cause that somebody gives beside the one that the report states, or where it states none. */
export interface RivalCause {
  readonly by: 'analyzers' | 'model';
  readonly sentence: string;
  /** What it says is at fault. */
  readonly object: string;
  /** 0 to 1, after what speaks against it was taken off. */
  readonly confidence: number;
  readonly evidence_ids: readonly string[];
  /** What speaks against it, in words; empty where nothing is known to. */
  readonly doubts: readonly string[];
}

/** What a model thought of, and what became of it. */
export interface Hypothesis {
  readonly statement: string;
  readonly verdict: 'supported' | 'refuted' | 'open';
  readonly evidence_for: readonly string[];
  readonly evidence_against: readonly string[];
}

/**
 * What a value that was masked is known by: the name before it, a known form (tokens of vendors), a private key, a password in an address,
 * that it looks random, or that a Secret holds it.
 */
export type MaskedKind = 'named' | 'token' | 'key' | 'address' | 'random' | 'secret';

/** How many different values were masked. */
export interface MaskedValues {
  readonly kind: MaskedKind;
  readonly count: number;
}

/** What a model did for a report, and what it cost. */
export interface ModelUse {
  /** How it ended: `concluded`, `BudgetExceeded`, ... */
  readonly ended: string;
  /** The same in a sentence, for people. */
  readonly note: string;
  readonly requests: number;
  readonly tool_calls: number;
  /** Calls that were denied or for which there was nothing. */
  readonly wasted_calls: number;
  /** In and out. */
  readonly tokens: number;
  /** null = the price of the model is unknown. */
  readonly cost_dollars: number | null;
  /** Statements of the model that cited no evidence of this run, or words that do not stand in it. */
  readonly dropped: number;
}

/** One moment of an incident. */
export interface TimelineEntry {
  /** RFC 3339. */
  readonly at: string;
  /** What says so: the alert itself, a rollout, what was found, a metric. */
  readonly source: 'alert' | 'change' | 'finding' | 'metric';
  /** What it is about, `pod/shop/web-1`; null where nothing is named. */
  readonly object: string | null;
  /** `memory of web-1/app began to rise, from 60Mi`. */
  readonly text: string;
  /** Empty for what the alert itself says. */
  readonly evidence_ids: readonly string[];
}

/** What is measured: by the alert's own expression, or of a container or a claim (`throttling` and `volume`: parts of 1). */
export type MeasurementKind = 'alert' | 'memory' | 'cpu' | 'throttling' | 'volume';

/** What metrics say round the time when an alert began. */
export interface Measurement {
  /** `what the alert measures`, `memory of container app of pod/shop/web-1`. */
  readonly title: string;
  /** What it is about, `pod/shop/web-1`; null where the labels of the metric name nothing. */
  readonly object: string | null;
  readonly kind: MeasurementKind;
  /** What its values are in: `ratio` is 0 to 1. */
  readonly unit: 'bytes' | 'cores' | 'ratio' | 'number';
  /** PromQL. */
  readonly expression: string;
  /** How it went, in one sentence. */
  readonly sentence: string;
  /** It reached its limit, or nearly. */
  readonly is_saturated: boolean;
  readonly is_flat: boolean;
  /** When it changed, or went beyond what the alert allows, RFC 3339; null where nothing tells. */
  readonly began: string | null;
  /** Its shape, as a line of blocks. */
  readonly sparkline: string;
  /** The limit, or what the alert compares it with; null where there is none. */
  readonly threshold: number | null;
  /** Whether what the alert measures still is what it fires for, at `observed_at`; null where that is not known. */
  readonly holds_now: boolean | null;
  /** The time that was asked for, RFC 3339: points that are missing in it were not measured. */
  readonly from: string;
  readonly to: string;
  /** Between two points. */
  readonly step_seconds: number;
  /** An SVG of it; null where it is not shown to people. */
  readonly chart: string | null;
  /** Unix time in seconds and value, oldest first, at most 100. */
  readonly points: readonly (readonly [number, number])[];
  /** How many time series there are of it; this is the one that moved most. */
  readonly series: number;
  readonly evidence_id: string;
}

/** What a person said of the cause in the report of an earlier run for such an alert: a hypothesis, no evidence. */
export interface EarlierVerdict {
  /** Id of that run. */
  readonly run: string;
  /** When it was said, RFC 3339. */
  readonly at: string;
  readonly likeness: 'the same alert' | 'the same rule in the same namespace' | 'the same rule';
  readonly verdict: 'confirmed' | 'refuted';
  /** The cause that that report stated; null = none. */
  readonly stated: { readonly category: string; readonly object: string } | null;
  /** Whether this report states it too. */
  readonly is_same_cause: boolean;
  /** What it was, in their words; null = they name none. */
  readonly cause: string | null;
  readonly note: string | null;
  /** Who said it; null = nobody knows. */
  readonly by: string | null;
}

/** The contract's AgentResult in its snake_case JSON form, plus evidence and model. */
export interface AgentResult {
  /** Of this form: raised where a field goes or changes its meaning. */
  readonly schema_version: 1;
  /** What went wrong with the investigation itself; null where nothing did. */
  readonly notice: string | null;
  /** That the cluster was a captured one, and of when, in a sentence; null where it was live or nothing was read. */
  readonly recorded: string | null;
  /** The alert as it was when the run was made, with the names of Alertmanager; null where none was given. */
  readonly alert: JsonObject | null;
  /** The other alerts that the same investigation was asked about: `KubePodNotReady pod/shop/web-1`. */
  readonly other_alerts: readonly string[];
  /** How many more the run answers for that were not looked at. */
  readonly more_alerts: number;
  /** What the alert is about, `pod/shop/checkout-7d9f`; null where its labels name nothing that is known. */
  readonly object: string | null;
  /** Of the alert, by its label or by how the cluster is read; null where neither says. */
  readonly cluster: string | null;
  /** The moment of what was read: of a captured cluster that of the capture; null where nothing was read. */
  readonly observed_at: string | null;
  /** One sentence in the past tense. */
  readonly happened: string;
  /** null = inconclusive. */
  readonly cause: Cause | null;
  readonly links: ReportLinks;
  readonly summary: string;
  readonly findings: readonly Finding[];
  /** null = inconclusive. */
  readonly root_cause: string | null;
  /** From what the alert names to the cause; empty where there is none. */
  readonly causal_chain: readonly ChainLink[];
  /** What metrics say; empty where none were asked for, or they say nothing. */
  readonly measurements: readonly Measurement[];
  /** Moments of the incident, the earliest first. */
  readonly timeline: readonly TimelineEntry[];
  /** What is broken in the same place without a link to the alert. */
  readonly also_broken: readonly Finding[];
  /** What was looked at and found well. */
  readonly checked: readonly string[];
  /** 0 to 1, from stated rules. */
  readonly confidence: number;
  /** The rules that gave the confidence, in words. */
  readonly confidence_reasons: readonly string[];
  readonly actions_taken: readonly ActionTaken[];
  readonly recommendations: readonly Recommendation[];
  readonly can_auto_fix: boolean;
  readonly fix_command: string | null;
  readonly escalation_notes: string | null;
  /** Questions that could not be answered, and why (`not_captured`, `forbidden`). */
  readonly open_questions: readonly string[];
  /** What was asked for and not given; the questions say it in words. */
  readonly gaps: readonly Gap[];
  /** Values that were masked in what was read, by kind; empty where none were. */
  readonly masked: readonly MaskedValues[];
  readonly conversation: readonly { readonly role: string; readonly content: string; readonly timestamp: string }[];
  readonly evidence: readonly Evidence[];
  /** null: no model was used. */
  readonly model: string | null;
  /** null: no model was asked. */
  readonly model_use: ModelUse | null;
  /** Where the model and the analyzers disagree, or the model's cause is not shown to be one; empty where neither is so. */
  readonly rival_causes: readonly RivalCause[];
  readonly hypotheses: readonly Hypothesis[];
  /** What people said of such alerts before; empty where nobody did. */
  readonly earlier_verdicts: readonly EarlierVerdict[];
  /** The Markdown report. */
  readonly report: string;
}
