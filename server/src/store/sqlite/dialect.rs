//! SQLite's spelling of what the statements in `store/sql` leave open. PostgreSQL's twin defines the
//! same macros.

/// Membership in a list that is bound as one parameter, so that the statement is prepared once.
macro_rules! in_list {
    ($list:literal) => {
        concat!("IN (SELECT value FROM json_each(", $list, "))")
    };
}

/// The same for a column of numbers; numbers are bound as their digits.
macro_rules! in_numbers {
    ($list:literal) => {
        concat!("IN (SELECT CAST(value AS INTEGER) FROM json_each(", $list, "))")
    };
}

/// UTC seconds by the database's clock.
macro_rules! now_secs {
    () => {
        "unixepoch()"
    };
}

/// Names the index where the planner would rather scan or sort.
macro_rules! indexed_by {
    ($index:literal) => {
        concat!(" INDEXED BY ", $index)
    };
}

/// A condition on a flag, spelled as the partial indexes on it are.
macro_rules! is_true {
    ($flag:literal) => {
        concat!($flag, " = 1")
    };
}

/// Row locks: there is one writer, which needs none.
macro_rules! for_update {
    () => {
        ""
    };
}

macro_rules! skip_locked {
    () => {
        ""
    };
}

/// A statement that locks its row where the transaction is going to change it.
macro_rules! row_lock {
    ($tx:expr, $sql:literal) => {
        $sql
    };
}

/// Claims jobs: `set` on at most as many as `due` selects.
macro_rules! claim {
    ($table:literal, $index:expr, set $set:expr, due $due:expr, returning $columns:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET ",
            $set,
            " WHERE id IN (SELECT id FROM ",
            $table,
            $index,
            " WHERE ",
            $due,
            ") RETURNING ",
            $columns
        )
    };
}

/// Puts jobs back that are not held here. No other server has this file, so what is not held has
/// died with an earlier process, whatever its lease.
macro_rules! requeue {
    ($table:literal, $working:literal, $set:literal, $held:expr) => {
        concat!("UPDATE ", $table, " SET ", $set, " WHERE ", $working, " AND NOT id ", $held)
    };
}

/// The same for a flag that is not set.
macro_rules! is_false {
    ($flag:literal) => {
        concat!($flag, " = 0")
    };
}

/// A bound list as a table of one column, `value`.
macro_rules! each {
    ($list:literal, $name:literal) => {
        concat!("json_each(", $list, ") AS ", $name)
    };
}

/// The users in a bound JSON array of objects, with the columns in the table's order.
macro_rules! sent_kit_users {
    ($users:literal) => {
        concat!(
            "SELECT value->>'id', value->>'instance_id', value->>'tenant_id', value->>'app_id', \
             value->>'user_name', value->>'name', value->>'position', value->>'org_code', \
             value->>'role', value->>'enabled', value->>'employee_code', value->>'mobile', \
             value->>'email', value->>'entry_date', value->>'employee_type', \
             value->>'work_place', value->>'created_at', value->>'changed_at' FROM json_each(",
            $users,
            ") WHERE true"
        )
    };
}
