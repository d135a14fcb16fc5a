//! How SQLite finds the jobs of a long queue.

use super::MIGRATOR;
use super::sql::queue::{NEXT_UPLOAD, UPLOADS_IN_FLIGHT};
use super::sql::uploads::CLAIM;

/// A queue of millions must not be read, let alone sorted, to find its first four.
#[tokio::test]
async fn the_queue_is_taken_from_its_front() {
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect("sqlite::memory:").await.unwrap();
    MIGRATOR.run(&pool).await.unwrap();
    let plans = [
        (CLAIM, "uploads_due"),
        (NEXT_UPLOAD, "uploads_due"),
        (UPLOADS_IN_FLIGHT, "uploads_not_delivered"),
    ];
    for (sql, index) in plans {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).fetch_all(&pool).await.unwrap();
        let plan = format!("{plan:?}");
        assert!(plan.contains(&format!("INDEX {index}")), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}
