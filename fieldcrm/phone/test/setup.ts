/** IndexedDB for the tests, there before Dexie looks for it. */
import "fake-indexeddb/auto";
