import type { Gap } from '../../core/finding.ts';
import type { McpServer } from '../../core/plan.ts';
import type { McpRefusal } from './definition.ts';
import type { McpFailure } from './failure.ts';

/** What a report says of a server that failed. */
export function serverGap(server: McpServer, failure: McpFailure): Gap {
  return gap(`the tools of MCP server ${server.name}`, failure.message, remedyOf(server, failure));
}

/** What a report says of a tool that is allowed and was not used. */
export function toolGap(server: McpServer, tool: string, { message }: McpRefusal): Gap {
  const remedy = `fist model tools shows what MCP server ${server.name} has now; pin what you have read`;
  return gap(`tool ${tool} of MCP server ${server.name}`, message, remedy);
}

function gap(what: string, reason: string, remedy: string): Gap {
  return { what, kind: 'unavailable', reason, remedy, resource: null, namespace: null };
}

function remedyOf({ name, at }: McpServer, { reason }: McpFailure): string {
  if (reason === 'McpNotAllowed' && at.of === 'program') return `fist serve --allow-mcp-command ${at.command[0]}`;
  if (reason === 'McpSecretMissing' || reason === 'McpUnauthorized')
    return `look at the Secrets of MCP server ${name}: fist get workflows -o wide`;
  return `look at MCP server ${name}: the log of fist has the rest (mcp-failed), fist model tools asks it`;
}
