import type { Logger } from '#base/log.ts';
import type { EtcdClient } from './etcd-client.ts';
import { methods } from './methods.ts';

/** Of etcd's alarms and what can be done with them. */
const listAlarms = 0;
const disarm = 2;
const anyAlarm = 0;
const noSpaceAlarm = 1;

/** Makes room in a full etcd: gives freed pages back, member by member, and takes the alarm off that stops writes. */
export async function makeRoom(client: EtcdClient, log: Logger): Promise<void> {
  const freed = await client.callEach(methods.defragment, {});
  const { response } = await client.call(methods.alarm, { action: listAlarms, alarm: anyAlarm });
  const full = response.alarms.filter(({ alarm }) => alarm === noSpaceAlarm);
  for (const { memberId } of full) await client.call(methods.alarm, { action: disarm, memberId, alarm: noSpaceAlarm });
  log.warn({ members: freed.length, alarms: full.length }, 'etcd was full; its free space was given back and writes are allowed again');
}

/** The version and the bytes in use of the current member. */
export async function statusOf(client: EtcdClient): Promise<{ readonly version: string; readonly usedBytes: number }> {
  const { response } = await client.call(methods.status, {});
  return { version: response.version, usedBytes: response.sizeInUseBytes };
}
