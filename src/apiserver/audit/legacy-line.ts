import type { AuditEvent } from './event.ts';

const quoted = (text: string): string => JSON.stringify(text);
const list = (texts: readonly string[] | undefined): string => (texts === undefined || texts.length === 0 ? '"<none>"' : quoted(texts.map(quoted).join(',')));

/** One line of text for an event. Source: --audit-log-format=legacy of kube-apiserver. */
export function legacyLine(event: AuditEvent): string {
  const { user, impersonatedUser, objectRef, responseStatus } = event;
  const values = {
    id: quoted(event.auditID), stage: quoted(event.stage), ip: quoted(event.sourceIPs?.[0] ?? '<unknown>'), method: quoted(event.verb),
    user: quoted(user.username === '' ? '<none>' : user.username), groups: list(user.groups),
    as: quoted(impersonatedUser?.username ?? '<self>'), asgroups: impersonatedUser === undefined ? '"<lookup>"' : list(impersonatedUser.groups),
    'user-agent': quoted(event.userAgent ?? ''), namespace: quoted(objectRef?.namespace ?? '<none>'), uri: quoted(event.requestURI), response: `"${responseStatus?.code ?? '<deferred>'}"`,
  };
  return `${event.requestReceivedTimestamp} AUDIT: ${Object.entries(values).map(([name, value]) => `${name}=${value}`).join(' ')}`;
}
