import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWording } from './parameter-wording.ts';

const source = `export declare class CoreV1ApiRequestFactory {
    /**
     * list boats
     * @param _continue Go on.  From the token:   - here
     * @param limit At most.
     */
    listBoat(_continue?: string, limit?: number): Promise<RequestContext>;
    /**
     * connect to a boat
     * @param path path to the resource
     * @param path2 A path, say _search?q&#x3D;\\&quot;mast\\&quot;.
     * @param tty A deck.  Yes.
     */
    connectGetBoatRow(path: string, path2?: string): Promise<RequestContext>;
    /**
     * @param tty A sail.
     */
    connectGetBoatSail(path: string): Promise<RequestContext>;
    /**
     * @param limit How many to take back.
     */
    patchBoat(limit?: number): Promise<RequestContext>;
`;

const wording = readWording(source);

function said(operationId: string, name: string): string | undefined {
  return wording(operationId, { name, in: 'query', type: 'string', description: '' });
}

test('a parameter is described by its operation, else by one of the same verb, else by any', () => {
  assert.equal(said('connectCoreV1GetBoatSail', 'tty'), 'A sail.');
  assert.equal(said('connectCoreV1PostBoat', 'tty'), 'A deck.  Yes.');
  assert.equal(said('patchNavyV1Ship', 'limit'), 'How many to take back.');
  assert.equal(said('deleteNavyV1Ship', 'limit'), 'At most.');
  assert.equal(said('listNavyV1Ship', 'anchor'), undefined);
});

test('quotes and lines are as they were before the generator', () => {
  assert.equal(said('connectCoreV1GetBoatRow', 'path'), 'A path, say _search?q="mast".');
  assert.equal(said('listCoreV1Boat', 'continue'), 'Go on.\n\nFrom the token:\n  - here');
});
