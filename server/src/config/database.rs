//! Where the data is kept: an address that may hold a password, and is shown without it.

use std::fmt;

use super::reader::Reader;
use super::secret::Secret;

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];
/// Stands for what is not shown.
const HIDDEN: &str = "(set)";

/// Says what is wrong with the address of a database, without repeating its secrets.
pub(crate) type DatabaseCheck = fn(&Secret) -> Result<(), String>;

/// `database`
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Database {
    /// A file in the data folder.
    Sqlite,
    /// The address of a PostgreSQL database.
    Postgres(Secret),
}

impl Database {
    /// `check` is the driver's own reading of an address; the configuration knows no driver.
    pub(super) fn read(reader: &mut Reader<'_>, check: Option<DatabaseCheck>) -> Self {
        const PATH: &str = "database";
        let remedy = "write database = \"sqlite\" or \"postgres://user:password@host/db\"";
        // What was written may hold a password: it is not repeated.
        let Some(text) = reader.secret(PATH) else {
            if !reader.has_problem(PATH) {
                reader.problem(PATH, "it is empty", remedy);
            }
            return Self::Sqlite;
        };
        if text.expose() == "sqlite" {
            return Self::Sqlite;
        }
        if !SCHEMES.iter().any(|scheme| text.expose().starts_with(scheme)) {
            reader.problem(PATH, "this is no known database", remedy);
        } else if let Some(Err(what)) = check.map(|check| check(&text)) {
            let encoded = "percent-encode what is special in the password (@ / ? # %)";
            reader.problem(PATH, &what, &format!("{remedy}, and {encoded}"));
        }
        Self::Postgres(text)
    }

    /// Which kind of database it is.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// An address for people: without its password, and without whatever could be part of one.
    pub(super) fn shown(text: &str) -> String {
        if text.is_empty() || text == "sqlite" {
            return text.to_owned();
        }
        let Some((scheme, rest)) = text.split_once("://") else { return HIDDEN.to_owned() };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (user, place) = rest.split_once('@').unwrap_or(("", rest));
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        let plain = |text: &str, more: &str| {
            text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c) || more.contains(c))
        };
        let known = SCHEMES.iter().any(|known| known.starts_with(scheme));
        // Where a password is not encoded, nobody knows where it ends.
        if !known || query.contains('@') || !plain(user, "") || !plain(place, ":/[],%") {
            return HIDDEN.to_owned();
        }
        let at = if user.is_empty() && password.is_empty() { "" } else { "@" };
        let password = if password.is_empty() { "" } else { ":(set)" };
        format!("{scheme}://{user}{password}{at}{place}")
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite => f.write_str("sqlite"),
            Self::Postgres(url) => f.write_str(&Self::shown(url.expose())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (written, shown) in [
            ("sqlite", "sqlite"),
            (
                "postgres://licd:hunter2@db.example.com/licd",
                "postgres://licd:(set)@db.example.com/licd",
            ),
            ("postgresql://licd:hun%2Fter2@db:5433/licd", "postgresql://licd:(set)@db:5433/licd"),
            ("postgres://licd@db/licd?password=hunter2", "postgres://licd@db/licd"),
            ("postgres://db/licd", "postgres://db/licd"),
            ("postgres://licd:5/hunter2@db/licd", "postgres://licd:(set)@db/licd"),
            ("postgres://licd:5?hunter2@db/licd", "(set)"),
            ("postgres://licd:hun@ter2@db/licd", "(set)"),
            ("postgres://hunter 2@db/licd", "(set)"),
            ("mysql://licd:hunter2@db/licd", "(set)"),
            ("hunter2", "(set)"),
        ] {
            assert_eq!(Database::shown(written), shown, "{written}");
            let database = Database::Postgres(Secret::new(written));
            assert!(!format!("{database} {database:?}").contains("hunter2"), "{database}");
        }
    }
}
