/** A task; `doneAt` in milliseconds since 1970. */
export type Task = { id: number; title: string; doneAt: number | null };

let ready: Promise<unknown> | undefined;

/** The database with its table, which is made once. */
async function open(db: D1Database): Promise<D1Database> {
  ready ??= db.exec(
    "CREATE TABLE IF NOT EXISTS tasks (id INTEGER PRIMARY KEY, title TEXT NOT NULL, doneAt INTEGER)",
  );
  await ready;
  return db;
}

/** Open tasks first, each kind in the order in which they came. */
export async function listTasks(db: D1Database): Promise<Task[]> {
  const select = "SELECT id, title, doneAt FROM tasks ORDER BY doneAt IS NOT NULL, id";
  return (await (await open(db)).prepare(select).all<Task>()).results;
}

export async function addTask(db: D1Database, title: string): Promise<void> {
  await (await open(db)).prepare("INSERT INTO tasks (title) VALUES (?)").bind(title).run();
}

export async function toggleTask(db: D1Database, id: number): Promise<void> {
  const update = "UPDATE tasks SET doneAt = CASE WHEN doneAt IS NULL THEN ? END WHERE id = ?";
  await (await open(db)).prepare(update).bind(Date.now(), id).run();
}

export async function dropTask(db: D1Database, id: number): Promise<void> {
  await (await open(db)).prepare("DELETE FROM tasks WHERE id = ?").bind(id).run();
}

export async function dropAll(db: D1Database): Promise<void> {
  await (await open(db)).prepare("DELETE FROM tasks").run();
}

/** Removes what was done before a moment, and answers how many tasks that were. */
export async function tidy(db: D1Database, before: number): Promise<number> {
  const { meta } = await (
    await open(db)
  )
    .prepare("DELETE FROM tasks WHERE doneAt < ?")
    .bind(before)
    .run();
  return meta.changes;
}
