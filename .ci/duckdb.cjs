// Runs the SQL of standard input in DuckDB, statement by statement, and prints each row as a
// JSON array. Threads as DUCKDB_THREADS says (2). With --time it prints instead how long each
// statement took, in seconds, the median of three.
const { DuckDBInstance } = require("@duckdb/node-api");
const text = require("node:fs").readFileSync(0, "utf8");
const plain = (key, v) => (typeof v === "bigint" ? Number(v) : v);

(async () => {
  const c = await (await DuckDBInstance.create(process.env.DUCKDB_FILE || ":memory:", { threads: process.env.DUCKDB_THREADS || "2" })).connect();
  for (const statement of text.split(/;\s*(?:\n|$)/).filter((s) => s.trim())) {
    if (process.argv[2] === "--time") {
      const took = [];
      for (let i = 0; i < 3; i++) {
        const begun = performance.now();
        await c.run(statement);
        took.push((performance.now() - begun) / 1000);
      }
      console.log(took.sort((a, b) => a - b)[1]);
      continue;
    }
    const result = await c.runAndReadAll(statement);
    for (const row of result.getRowsJson()) console.log(JSON.stringify(row, plain));
  }
})();
