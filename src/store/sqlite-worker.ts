/** The thread that owns a store's file: it takes messages in order and blocks on the disk, so that nobody else does. */
import { parentPort, workerData } from 'node:worker_threads';
import { present } from '#base/assert.ts';
import { StoreFile } from './sqlite-file.ts';
import type { FileCall, FromWorker, ToWorker, WireError, WorkerOptions } from './sqlite-protocol.ts';
import { StoreError } from './store.ts';

const port = present(parentPort, 'the port to the main thread');
const send = (message: FromWorker): void => port.postMessage(message);

try {
  const file = new StoreFile(workerData as WorkerOptions);
  port.on('message', (message: ToWorker) => {
    if (message.type === 'group') commit(file, message);
    else void answer(file, message.id, message.call);
  });
  send({ type: 'opened', state: file.opened() });
} catch (error) {
  send({ type: 'failed', id: 0, error: wireError(error) });
  port.close();
}

function commit(file: StoreFile, group: ToWorker & { readonly type: 'group' }): void {
  try {
    send({ type: 'committed', ...file.apply(group) });
  } catch (error) {
    send({ type: 'group-failed', error: wireError(error) });
  }
}

async function answer(file: StoreFile, id: number, call: FileCall): Promise<void> {
  try {
    const value = perform(file, call);
    send({ type: 'answer', id, answer: value instanceof Promise ? await value : value });
    if (call.do === 'close') port.close();
  } catch (error) {
    send({ type: 'failed', id, error: wireError(error) });
  }
}

function perform(file: StoreFile, call: FileCall): unknown {
  switch (call.do) {
    case 'get':
      return { entry: call.revision === undefined ? file.reads.current(call.key) : file.reads.get(call.key, call.revision), revision: file.head };
    case 'range':
      return { revision: file.head, ...file.reads.range({ ...call, revision: call.revision ?? file.head }) };
    case 'log':
      return file.reads.log(call.afterRevision);
    case 'compact':
      return file.compactStep(call.revision);
    case 'maintain':
      return file.maintain();
    case 'size':
      return file.size();
    case 'begin-export':
      return file.beginExport();
    case 'end-export':
      return file.endExport();
    case 'import':
      return file.import(call.part);
    case 'snapshot':
      return file.snapshot(call.file);
    case 'close':
      return file.close();
  }
}

function wireError(error: unknown): WireError {
  if (error instanceof StoreError) return { code: error.code, message: error.message };
  return { code: 'unavailable', message: error instanceof Error ? error.message : String(error) };
}
