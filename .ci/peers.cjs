// What DuckDB takes to write the rows of FOLDER/1s.parquet and trades.parquet as CSV, from
// tables of its own, on THREADS threads; sqlite3 beside it. Run by BenchmarkExport.
const { DuckDBInstance } = require("@duckdb/node-api");
const { spawnSync } = require("node:child_process");
const [folder, threads] = process.argv.slice(2);

const lite = (...args) => spawnSync("sqlite3", args, { encoding: "utf8" });

(async () => {
  const c = await (await DuckDBInstance.create(`${folder}/peer.duckdb`, { threads })).connect();
  for (const [what, columns] of [["1s", "*"], ["trades", "*"], ["trades", "time,symbol,price,size"]]) {
    await c.run(`create or replace table t as select ${columns} from '${folder}/${what}.parquet'`);
    await c.run("checkpoint");
    const rows = Number((await c.runAndReadAll("select count(*) from t")).getRows()[0][0]);
    const took = [];
    for (let i = 0; i < 3; i++) {
      const begun = performance.now();
      await c.run(`copy t to '${folder}/duck.csv' (header)`);
      took.push((performance.now() - begun) / 1000);
    }
    took.sort((a, b) => a - b);
    console.log(`DuckDB, ${threads} threads, ${what} (${columns}): ${rows} rows, ${(rows / took[1] / 1e6).toFixed(2)} Mrows/s`);
  }
  for (const what of lite("-version").error ? [] : ["1s", "trades"]) {
    const db = `${folder}/peer.sqlite`;
    lite(db, "drop table if exists t", ".mode csv", `.import ${folder}/${what}.csv t`);
    const begun = performance.now();
    lite("-csv", "-header", db, `.output ${folder}/lite.csv`, "select * from t");
    const took = (performance.now() - begun) / 1000;
    const rows = Number(lite(db, "select count(*) from t").stdout);
    console.log(`sqlite3, ${what}: ${rows} rows, ${(rows / took / 1e6).toFixed(2)} Mrows/s`);
  }
})();
