import { describeBackend } from "./contract.ts";
import { openTwice } from "./sqlite_backend.ts";

describeBackend("SQLite", openTwice);
