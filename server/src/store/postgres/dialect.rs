//! PostgreSQL's spelling of what the statements in `store/sql` leave open. SQLite's twin defines the
//! same macros.

/// Membership in a list that is bound as one parameter, so that the statement is prepared once.
macro_rules! in_list {
    ($list:literal) => {
        concat!("= ANY(", $list, ")")
    };
}

/// The same for a column of numbers; numbers are bound as their digits.
macro_rules! in_numbers {
    ($list:literal) => {
        concat!("= ANY(CAST(CAST(", $list, " AS TEXT[]) AS BIGINT[]))")
    };
}

/// UTC seconds by the database's clock: those of several servers may differ.
macro_rules! now_secs {
    () => {
        "extract(epoch FROM clock_timestamp())::bigint"
    };
}

/// PostgreSQL chooses its indexes itself.
macro_rules! indexed_by {
    ($index:literal) => {
        ""
    };
}

/// A condition on a flag, spelled as the partial indexes on it are.
macro_rules! is_true {
    ($flag:literal) => {
        $flag
    };
}

/// Keeps other servers off the rows until this transaction ends.
macro_rules! for_update {
    () => {
        " FOR UPDATE"
    };
}

/// Leaves rows to other servers that are at them already.
macro_rules! skip_locked {
    () => {
        " FOR UPDATE SKIP LOCKED"
    };
}

/// A statement that locks its row where the transaction is going to change it.
macro_rules! row_lock {
    ($tx:expr, $sql:literal) => {
        if $tx.writes() { concat!($sql, " FOR UPDATE") } else { $sql }
    };
}

/// Claims jobs: `set` on at most as many as `due` selects, past those that other servers claim.
macro_rules! claim {
    ($table:literal, $index:expr, set $set:expr, due $due:expr, returning $columns:literal) => {
        concat!(
            "WITH due AS MATERIALIZED (SELECT id FROM ",
            $table,
            " WHERE ",
            $due,
            " FOR UPDATE SKIP LOCKED), claimed AS (UPDATE ",
            $table,
            " SET ",
            $set,
            " FROM due WHERE ",
            $table,
            ".id = due.id RETURNING ",
            $table,
            ".*) SELECT ",
            $columns,
            " FROM claimed ORDER BY id"
        )
    };
}

/// Puts jobs back that are not held here and whose lease has ended. A lease that ends in more than
/// two minutes was given before the clock was set back.
macro_rules! requeue {
    ($table:literal, $working:literal, $set:literal, $held:expr) => {
        concat!(
            "UPDATE ",
            $table,
            " SET ",
            $set,
            " WHERE id IN (SELECT id FROM ",
            $table,
            " WHERE ",
            $working,
            " AND lease_until - extract(epoch FROM clock_timestamp()) \
             NOT BETWEEN 0 AND 120 AND NOT id ",
            $held,
            " FOR UPDATE SKIP LOCKED)"
        )
    };
}

/// The same for a flag that is not set.
macro_rules! is_false {
    ($flag:literal) => {
        concat!("NOT ", $flag)
    };
}

/// A bound list as a table of one column, `value`.
macro_rules! each {
    ($list:literal, $name:literal) => {
        concat!("unnest(CAST(", $list, " AS TEXT[])) AS ", $name, " (value)")
    };
}

/// The users in a bound JSON array of objects, with the columns in the table's order.
macro_rules! sent_kit_users {
    ($users:literal) => {
        concat!(
            "SELECT id, instance_id, tenant_id, app_id, user_name, name, position, org_code, \
             role, enabled, employee_code, mobile, email, entry_date, employee_type, work_place, \
             created_at, changed_at FROM json_to_recordset(CAST(",
            $users,
            " AS JSON)) AS sent (id text, instance_id text, tenant_id text, app_id text, \
             user_name text, name text, position text, org_code text, role text, \
             enabled boolean, employee_code text, mobile text, email text, entry_date text, \
             employee_type bigint, work_place text, created_at bigint, changed_at bigint)"
        )
    };
}
