/**
 * Lists that come page by page, one item after the other.
 *
 * @module
 */
import type { Json, RecordKey, Records, StoredRecord } from "./types.ts";

/** Items a page: a bucket of NATS reads all its keys for each. */
const PAGE = 1000;

/** Where a page begins, and how long it is. */
export interface PageOptions<After> {
  readonly after?: After;
  readonly limit: number;
}

/**
 * All items of a list; what is added or deleted meanwhile may be missed.
 *
 * @param afterOf  where the page behind an item begins
 */
export async function* eachItem<Item, After>(
  list: (page: PageOptions<After>) => Promise<readonly Item[]>,
  afterOf: (last: Item) => After,
): AsyncGenerator<Item> {
  let page = await list({ limit: PAGE });
  while (page.length > 0) {
    yield* page;
    page = await list({ limit: PAGE, after: afterOf(page[page.length - 1]) });
  }
}

/** All records below a prefix, in the order of their keys. */
export function eachRecord<Value extends Json>(
  records: Pick<Records<Value>, "list">,
  prefix: RecordKey,
): AsyncGenerator<StoredRecord<Value>> {
  return eachItem(
    (page: PageOptions<RecordKey>) => records.list(prefix, page),
    ({ key }) => key,
  );
}

/** All of a tenant's in a book, the newest first. */
export function eachOf<Item extends { readonly id: string }>(
  book: {
    list(
      tenant: string,
      page: PageOptions<string>,
    ): Promise<readonly Item[]>;
  },
  tenant: string,
): AsyncGenerator<Item> {
  return eachItem(
    (page: PageOptions<string>) => book.list(tenant, page),
    ({ id }) => id,
  );
}
