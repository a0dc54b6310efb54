import type { AssistantTool } from '../define.ts';
import { getAlert, listAlerts } from './alerts.ts';
import { getStatus, listGaps } from './overview.ts';
import { getEvidence, getReport } from './reports.ts';
import { getRun, listRuns } from './runs.ts';
import { askAboutRun, startInvestigation } from './start.ts';
import { why } from './why.ts';

/** Every tool that assistants are offered, over HTTP and by `fist mcp`, in this order. */
export const assistantTools: readonly AssistantTool[] = [
  why,
  listAlerts,
  getAlert,
  listRuns,
  getRun,
  getReport,
  getEvidence,
  listGaps,
  getStatus,
  startInvestigation,
  askAboutRun,
];
