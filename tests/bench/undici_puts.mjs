// PUT each row of a JSONL file over undici's pool, as a script that cares about speed would:
//   node undici_puts.mjs UNDICI BASE_URL ROWS CONNECTIONS        UNDICI: the directory of the package
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [undici, base, file, connections] = process.argv.slice(2);
const { Pool } = createRequire(import.meta.url)(undici);
const rows = readFileSync(file, "utf8").trimEnd().split("\n");
const pool = new Pool(base, { connections: Number(connections), pipelining: 1 });
const headers = {
  "user-agent": "moonkey/0.1.0",
  "accept-encoding": "gzip",
  traceparent: "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
  authorization: "Bearer idt:TKN-9999-9999:madeupmadeupmadeupmadeupmadeupmadeup",
  accept: "application/json",
  "content-type": "application/json",
};
let next = 0;
let wrong = 0;

async function work() {
  while (next < rows.length) {
    const { id, ...fields } = JSON.parse(rows[next++]);
    const path = `/public/v1/accounts/api-tokens/${encodeURIComponent(id)}`;
    const { statusCode, body } = await pool.request({ method: "PUT", path, headers, body: JSON.stringify(fields) });
    const text = await body.text();
    if (statusCode !== 200 || !text) wrong++;
  }
}

await Promise.all(Array.from({ length: Number(connections) }, work));
await pool.close();
if (wrong) console.error(`undici: ${wrong} of ${rows.length} requests went wrong`);
process.exitCode = wrong ? 1 : 0;
